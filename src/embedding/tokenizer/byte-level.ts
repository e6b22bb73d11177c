/** Bytes of UTF-8 as visible characters: what byte-level vocabularies are written in. */

const encoder = new TextEncoder();

/** Printable bytes stand for themselves, the others follow from U+0100 on. */
const CHARACTERS = ((): string[] => {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

export function byteCharacters(text: string): string {
  let result = '';
  // Nearly all pieces are ASCII, where the encoder costs more than the rest.
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return result + encoded(text.slice(at));
    result += CHARACTERS[code] ?? '';
  }
  return result;
}

function encoded(text: string): string {
  let result = '';
  for (const byte of encoder.encode(text)) result += CHARACTERS[byte] ?? '';
  return result;
}

/** `<0x0A>` for each byte: what a vocabulary with byte fallback has for characters that it lacks. */
export const byteTokens = (text: string): string[] =>
  Array.from(encoder.encode(text), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
