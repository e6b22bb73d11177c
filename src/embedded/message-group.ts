/**
 * Collects a client's messages into groups that the session runs in one call: up to a Query, a Sync or a Flush, and
 * for COPY … FROM STDIN up to the end of the data. Between two calls PGlite would take missing COPY data for a lost
 * connection and end.
 */

import { cstring, frame, int16, MAX_FRAME_BYTES, ProtocolError, readCString, type Frame } from './frames.ts';
import { effectsOf, joinEffects, NO_EFFECTS, type Effects } from './sql-effects.ts';
import type { StatementNames } from './statement-names.ts';

export interface MessageGroup {
  messages: Buffer;
  /** A Flush leaves the (implicit) transaction open until the Sync. */
  endsWith: 'query' | 'sync' | 'flush';
  effects: Effects;
  /** The client was told to send COPY data by the gateway; the server's own word of it must not follow. */
  copied: boolean;
  /** Binds or describes the unnamed statement without having parsed it in this group. */
  needsUnnamed: boolean;
}

export type Step =
  | { kind: 'more' }
  | { kind: 'group'; group: MessageGroup }
  | { kind: 'ask-for-copy-data'; answer: Buffer }
  | { kind: 'end' };

const MORE: Step = { kind: 'more' };
/** PQ_SMALL_MESSAGE_LIMIT: a longer message of these types is FATAL to a server, which here is everybody's. */
const SMALL_BYTES = 10_000;
const SMALL = 'CDEHSXcf';
const KNOWN = 'BCDEFHPQSXcdf';
/**
 * Ends a COPY that the gateway did not see coming or a second one in the same query; ignored outside of COPY.
 * Without it PGlite would wait for data that cannot come, and end.
 */
const COPY_STOP = frame('f', cstring('the embedded server takes one COPY FROM STDIN per query'));

export class MessageGroupCollector {
  readonly #names: StatementNames;
  readonly #maxBytes: number;
  #frames: Buffer[] = [];
  #bytes = 0;
  #effects: Effects[] = [];
  #parsedUnnamed = false;
  #needsUnnamed = false;
  #mayCopy = false;
  /** simple: ends at CopyDone; extended: goes on to the Sync; over: the data are in, the Sync is awaited. */
  #copy: 'none' | 'simple' | 'extended' | 'over' = 'none';
  #copyTooLarge = false;

  constructor(names: StatementNames, maxBytes: number = MAX_FRAME_BYTES) {
    this.#names = names;
    this.#maxBytes = maxBytes;
  }

  push(message: Frame): Step {
    const { type, bytes } = message;
    if (!KNOWN.includes(type) || (SMALL.includes(type) && bytes.length > SMALL_BYTES)) {
      throw new ProtocolError(`invalid frontend message type ${JSON.stringify(type)}, ${bytes.length} bytes`);
    }
    if (type === 'X') return { kind: 'end' };
    return this.#copy === 'simple' || this.#copy === 'extended'
      ? this.#pushInCopy(type, bytes)
      : this.#pushOutsideCopy(type, bytes);
  }

  #pushOutsideCopy(type: string, bytes: Buffer): Step {
    switch (type) {
      case 'c':
      case 'd':
      case 'f':
        // What a client still sends after a COPY that failed; the protocol says to ignore it.
        return MORE;
      case 'Q':
        this.#noteSql(bytes, 5);
        this.#effects.push(effectsOf(readCString(bytes, 5).text));
        this.#names.unnamedParse = null;
        this.#add(bytes);
        return this.#copyOrGroup('query');
      case 'F':
        this.#add(bytes);
        return this.#finish('query');
      case 'H':
        // Nothing to flush: it must not take the session either.
        if (this.#frames.length === 0) return MORE;
        this.#add(bytes);
        return this.#copyOrGroup('flush');
      case 'S':
        this.#add(bytes);
        return this.#copyOrGroup('sync');
      default:
        this.#addExtended(type, bytes);
        return MORE;
    }
  }

  #addExtended(type: string, bytes: Buffer): void {
    if (type === 'P') {
      this.#noteSql(bytes, readCString(bytes, 5).end);
      const renamed = this.#names.parse(bytes);
      if (renamed === bytes) this.#parsedUnnamed = true;
      this.#add(renamed);
    } else if (type === 'B') {
      const bound = this.#names.bind(bytes);
      if (bound.unnamed && !this.#parsedUnnamed) this.#needsUnnamed = true;
      this.#effects.push(bound.effects);
      this.#mayCopy ||= bound.effects.copyIn !== null;
      this.#add(bound.bytes);
    } else if (type === 'D' || type === 'C') {
      const named = this.#names.describeOrClose(type, bytes);
      if (named.unnamed && !this.#parsedUnnamed) this.#needsUnnamed = true;
      this.#add(named.bytes);
    } else this.#add(bytes);
  }

  #pushInCopy(type: string, bytes: Buffer): Step {
    if (type === 'd') {
      if (this.#bytes + bytes.length > this.#maxBytes) this.#dropCopyData();
      if (!this.#copyTooLarge) this.#add(bytes);
      return MORE;
    }
    // In COPY mode a server ignores Flush and Sync.
    if (type === 'H' || type === 'S') return MORE;
    if (type !== 'c' && type !== 'f')
      throw new ProtocolError(`unexpected message "${type}" during COPY from stdin`);
    const tooLarge = `more than ${this.#maxBytes} bytes in one COPY to the embedded server: use several`;
    this.#add(this.#copyTooLarge ? frame('f', cstring(tooLarge)) : bytes);
    if (this.#copy === 'simple') return this.#finish('query');
    this.#copy = 'over';
    return MORE;
  }

  /** COPY data over the limit are not kept; the COPY fails when they end, in the words of the server. */
  #dropCopyData(): void {
    this.#copyTooLarge = true;
    this.#frames = this.#frames.filter((each) => each[0] !== 'd'.charCodeAt(0));
    this.#bytes = 0;
  }

  #copyOrGroup(endsWith: MessageGroup['endsWith']): Step {
    const { copyIn } = joinEffects(this.#effects);
    if (copyIn === null || this.#copy === 'over') return this.#finish(endsWith);
    this.#copy = endsWith === 'query' ? 'simple' : 'extended';
    // The Sync would be ignored in COPY mode, and be one answer too many where the COPY does not start.
    if (endsWith !== 'query') this.#frames.pop();
    return { kind: 'ask-for-copy-data', answer: copyInResponse(copyIn) };
  }

  #finish(endsWith: MessageGroup['endsWith']): Step {
    // A COPY mode left open would swallow the Sync, so the stop stands before it.
    if (this.#mayCopy) this.#frames.splice(endsWith === 'query' ? this.#frames.length : -1, 0, COPY_STOP);
    const group: MessageGroup = {
      messages: Buffer.concat(this.#frames),
      endsWith,
      effects: this.#effects.length === 0 ? NO_EFFECTS : joinEffects(this.#effects),
      copied: this.#copy !== 'none',
      needsUnnamed: this.#needsUnnamed,
    };
    this.#frames = [];
    this.#bytes = 0;
    this.#effects = [];
    this.#copy = 'none';
    this.#copyTooLarge = false;
    this.#mayCopy = false;
    this.#needsUnnamed = false;
    this.#parsedUnnamed = false;
    return { kind: 'group', group };
  }

  #noteSql(bytes: Buffer, start: number): void {
    this.#mayCopy ||= /stdin/i.test(readCString(bytes, start).text);
  }

  #add(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#maxBytes) {
      throw new ProtocolError(`more than ${this.#maxBytes} bytes before a Sync`, '54000');
    }
    this.#frames.push(bytes);
  }
}

/** Without a count of columns, which only the server knows; drivers read the format alone. */
function copyInResponse(format: 'text' | 'binary'): Buffer {
  return frame('G', Buffer.from([format === 'binary' ? 1 : 0]), int16(0));
}
