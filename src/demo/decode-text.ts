/** The characters of a user's file, whatever wrote it: UTF-8, UTF-16 of either order, or a Windows or Latin-1 program. */

import { isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { ConfigError } from '../errors.ts';

/** What the bytes 0x80 to 0x9F are in Windows-1252; they are control characters in Latin-1, which no text has. */
const WINDOWS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ';
/** Of the beginning, to tell UTF-16 without a mark: its letters of the Latin alphabet have a zero byte each. */
const PROBED_BYTES = 4096;

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

/** Chunks of text. `onNote` is told where the file is not in UTF-8. @throws ConfigError `RECORDS_ENCODING` */
export async function* decode(
  file: string,
  chunks: AsyncIterable<Buffer>,
  onNote: (note: string) => void,
): AsyncGenerator<string> {
  let encoding: Encoding | null = null;
  let utf16: TextDecoder | null = null;
  let rest: Buffer = Buffer.alloc(0);
  let hasLetters = false;
  let line = 1;
  for await (const chunk of chunks) {
    if (encoding === null) {
      encoding = encodingOf(Buffer.concat([rest, chunk]));
      if (encoding !== 'utf-8') onNote(`${file}: is in UTF-16, and was read as such`);
      if (encoding !== 'utf-8') utf16 = new TextDecoder(encoding);
    }
    if (utf16 !== null) {
      yield utf16.decode(chunk, { stream: true });
      continue;
    }
    let bytes: Buffer = Buffer.concat([rest, chunk]);
    const end = encoding === 'utf-8' ? wholeCharacters(bytes) : bytes.length;
    rest = bytes.subarray(end);
    bytes = bytes.subarray(0, end);
    if (encoding === 'utf-8' && !isUtf8(bytes)) {
      // Where letters of UTF-8 went ahead, or are the most here, it is a damaged file of UTF-8, and no other encoding.
      if (hasLetters || isMostlyUtf8(bytes)) throw damaged(file, line + linesBefore(bytes));
      encoding = 'windows-1252';
      onNote(
        `${file}: is not in UTF-8, and was read as Windows-1252 (Latin-1); save it as UTF-8 where letters are wrong`,
      );
    }
    hasLetters ||= !isAscii(bytes);
    line += bytes.toString('latin1').split('\n').length - 1;
    yield encoding === 'utf-8' ? bytes.toString('utf8') : windowsText(bytes);
  }
  if (rest.length > 0) {
    if (encoding === 'utf-8' && hasLetters) throw damaged(file, line);
    if (encoding === 'utf-8')
      onNote(
        `${file}: is not in UTF-8, and was read as Windows-1252 (Latin-1); save it as UTF-8 where letters are wrong`,
      );
    yield windowsText(rest);
  }
  if (utf16 !== null) yield utf16.decode();
}

function encodingOf(beginning: Buffer): Encoding {
  if (beginning[0] === 0xff && beginning[1] === 0xfe) return 'utf-16le';
  if (beginning[0] === 0xfe && beginning[1] === 0xff) return 'utf-16be';
  const zeros = [0, 0];
  const probed = beginning.subarray(0, PROBED_BYTES);
  for (const [at, byte] of probed.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > probed.length / 4 && even < odd / 4) return 'utf-16le';
  if (even > probed.length / 4 && odd < even / 4) return 'utf-16be';
  return 'utf-8';
}

/** Length without a character that goes on in the next chunk. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return wanted > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Letters of several bytes as UTF-8 has them, against bytes that are none of it. */
function isMostlyUtf8(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  const letters =
    text.match(/[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}/g) ?? [];
  const high = text.match(/[\x80-\xFF]/g)?.length ?? 0;
  return letters.join('').length > high / 2;
}

/** Lines before the first that is no UTF-8. */
function linesBefore(bytes: Buffer): number {
  let lines = 0;
  for (let start = 0; start < bytes.length; lines++) {
    const end = bytes.indexOf(10, start);
    const stop = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(start, stop))) return lines;
    start = stop;
  }
  return lines;
}

const windowsText = (bytes: Buffer): string =>
  bytes.toString('latin1').replaceAll(/[\x80-\x9F]/g, (byte) => WINDOWS[byte.charCodeAt(0) - 0x80] ?? byte);

const damaged = (file: string, line: number): ConfigError =>
  new ConfigError(`${file} line ${line}: bytes that are no UTF-8, in a file of UTF-8`, {
    code: 'RECORDS_ENCODING',
    remedy: 'Export the file again in one encoding, UTF-8 for preference.',
  });
