/** What a server's error body says, reduced to what may be known of it: it likes to echo texts and keys. */

export type Complaint = 'too-long' | 'too-many' | 'other';

export interface Refusal {
  status: number;
  complaint: Complaint;
  /** The server's own short word for it, where it is surely no part of a text or a secret. */
  word: string | undefined;
}

/** More than one sentence is not needed to see what the complaint is, and the rest may be an echo. */
const MESSAGE_CHARACTERS = 500;

/** A shorter text does not push the server's words out of the message, and may be a part of them. */
const ECHO_CHARACTERS = 40;

/** As servers say it of the number of texts: Text Embeddings Inference, DashScope, OpenAI, ApeRAG. */
const TOO_MANY =
  /(?<!physical )batch size|too many (inputs|texts|items)|array.{0,40}(too (long|large)|at most|max)|at most \d+ (inputs|texts|items)/i;
/** As servers say it of one text: OpenAI and vLLM (context length), TEI (less than … tokens), llama.cpp (physical batch size). */
const TOO_LONG =
  /context.{0,3}(length|size|window)|too (long|large)|(less|fewer|more) than \d+ tokens|too many tokens|max(imum)?.{0,20}(tokens|length)|exceed.{0,40}(length|limit|tokens|size)|physical batch size|string_above_max_length/i;

/** Words such as `context_length_exceeded`; no digits, which keys and numbers of persons have. */
const WORD = /^[A-Za-z][A-Za-z_]{2,39}$/;

interface ErrorWords {
  code: unknown;
  type: unknown;
  message: unknown;
}

/** @param texts as sent; what they say must not be taken for the server's words. */
export function readRefusal(
  status: number,
  body: string,
  texts: readonly string[],
  secrets: readonly string[],
): Refusal {
  const { code, type, message } = errorWords(body);
  const word = [code, type].find(
    (word) => typeof word === 'string' && mayBeShown(word, [...texts, ...secrets]),
  );
  let said = [code, type, message].filter((part) => typeof part === 'string').join(' ');
  for (const text of texts) {
    if (text.length >= ECHO_CHARACTERS || TOO_LONG.test(text) || TOO_MANY.test(text))
      said = said.replaceAll(text, ' ');
  }
  said = said.slice(0, MESSAGE_CHARACTERS);
  return { status, complaint: complaintOf(status, said, texts.length), word: word as string | undefined };
}

function complaintOf(status: number, said: string, texts: number): Complaint {
  if (texts > 1 && TOO_MANY.test(said)) return 'too-many';
  // A proxy's 413 says it by its status, in a page of HTML.
  return status === 413 || TOO_LONG.test(said) ? 'too-long' : 'other';
}

/** OpenAI: `{error: {…}}`; TEI and older vLLM: the fields on top; Ollama's own: `{error: "…"}`; FastAPI: `{detail: …}`. */
function errorWords(body: string): ErrorWords {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { code: undefined, type: undefined, message: undefined };
  }
  const top = fields(json);
  const inner = fields(top['error']);
  const detail = Array.isArray(top['detail']) ? fields(top['detail'][0])['msg'] : top['detail'];
  return {
    code: inner['code'] ?? top['code'],
    type: inner['type'] ?? top['type'] ?? top['error_type'],
    message: inner['message'] ?? top['message'] ?? detail ?? top['error'],
  };
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A server may put any part of what it was sent into any field. */
function mayBeShown(word: string, hidden: readonly string[]): boolean {
  const lower = word.toLowerCase();
  return (
    WORD.test(word) &&
    hidden.every((part) => {
      const other = part.trim().toLowerCase();
      return other === '' || (!other.includes(lower) && !lower.includes(other));
    })
  );
}

/** `400 (invalid_request_error)`. */
export function said({ status, word }: Refusal): string {
  return word === undefined ? String(status) : `${status} (${word})`;
}
