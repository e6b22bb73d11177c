/**
 * Framing of PostgreSQL's wire protocol, version 3: a type byte, an int32 length that counts itself, a body.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

const EMPTY = Buffer.alloc(0);
/** Type byte and length. */
const HEADER_BYTES = 5;

/** Longest single message taken. PostgreSQL's own limit is 1 GB; here the message is copied into WASM memory. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;

export interface Frame {
  /** One letter; empty for the untyped packets that open a connection. */
  type: string;
  /** The whole message with its header. */
  bytes: Buffer;
}

/** The peer does not speak the protocol, or more of it than this server takes. Ends the connection. */
export class ProtocolError extends Error {
  readonly sqlState: string;

  constructor(message: string, sqlState = '08P01') {
    super(message);
    this.name = 'ProtocolError';
    this.sqlState = sqlState;
  }
}

/** Cuts a byte stream into messages. Chunks are joined once per message, not once per chunk. */
export class FrameReader {
  /** The packets before the start-up is through have no type byte. */
  untyped = true;
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** The next whole message, or undefined until more bytes are pushed. */
  next(): Frame | undefined {
    const typeBytes = this.untyped ? 0 : 1;
    const headerBytes = typeBytes + 4;
    if (this.#size < headerBytes) return undefined;
    if ((this.#chunks[0]?.length ?? 0) < headerBytes) this.#join();
    const head = this.#chunks[0] ?? EMPTY;
    const length = head.readInt32BE(typeBytes);
    if (length < 4 || length > MAX_FRAME_BYTES) throw new ProtocolError(`message of ${length} bytes`);
    const total = typeBytes + length;
    if (this.#size < total) return undefined;
    if (head.length < total) this.#join();
    const whole = this.#chunks[0] ?? EMPTY;
    this.#chunks[0] = whole.subarray(total);
    if (this.#chunks[0].length === 0) this.#chunks.shift();
    this.#size -= total;
    return {
      type: this.untyped ? '' : String.fromCharCode(whole[0] ?? 0),
      bytes: whole.subarray(0, total),
    };
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks, this.#size)];
  }
}

/** A message of `type` with the parts as its body. */
export function frame(type: string, ...parts: Buffer[]): Buffer {
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(type, 'latin1');
  header.writeInt32BE(bodyBytes + 4, 1);
  return Buffer.concat([header, ...parts], HEADER_BYTES + bodyBytes);
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The text up to the next zero byte, and the offset behind it. */
export function readCString(bytes: Buffer, start: number): { text: string; end: number } {
  const zero = bytes.indexOf(0, start);
  if (zero === -1) throw new ProtocolError('string without an end in a message');
  return { text: bytes.toString('utf8', start, zero), end: zero + 1 };
}

export const query = (sql: string): Buffer => frame('Q', cstring(sql));
export const SYNC = frame('S');

/** ErrorResponse. FATAL tells the client that the connection ends. */
export function errorFrame(severity: 'ERROR' | 'FATAL', sqlState: string, message: string): Buffer {
  const fields = `S${severity}\0V${severity}\0C${sqlState}\0M${message}\0\0`;
  return frame('E', Buffer.from(fields));
}

/** The fields of an ErrorResponse or NoticeResponse by their letter. */
export function readErrorFields(bytes: Buffer): Map<string, string> {
  const fields = new Map<string, string>();
  let at = HEADER_BYTES;
  while (at < bytes.length && bytes[at] !== 0) {
    const { text, end } = readCString(bytes, at + 1);
    fields.set(String.fromCharCode(bytes[at] ?? 0), text);
    at = end;
  }
  return fields;
}
