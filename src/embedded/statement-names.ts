/**
 * Prepared statements of one client under names that no other client has. All clients share one session, and drivers
 * number their statements alike. Portals need no such care: they end with the transaction, and a transaction has
 * one owner.
 */

import { NO_EFFECTS, effectsOf, type Effects } from './sql-effects.ts';
import { cstring, frame, readCString } from './frames.ts';

const BODY = 5;

interface Statement {
  serverName: string;
  effects: Effects;
}

export class StatementNames {
  readonly #prefix: string;
  /** By the client's name. The unnamed statement keeps its name, and is replayed (`unnamedParse`). */
  readonly #statements = new Map<string, Statement>();

  /**
   * The Parse message of the unnamed statement, to be sent again before a Bind that comes on its own: by then
   * another client may have put its own in place.
   */
  unnamedParse: Buffer | null = null;

  constructor(clientId: number) {
    this.#prefix = `client_${clientId}_`;
  }

  get serverNames(): string[] {
    return [...this.#statements.values()].map((each) => each.serverName).filter((name) => name !== '');
  }

  parse(bytes: Buffer): Buffer {
    const { text: name, end } = readCString(bytes, BODY);
    const effects = effectsOf(readCString(bytes, end).text);
    // A name is kept for good: the server then answers a second Parse, or a Bind after Close, as it always does.
    const serverName =
      name === ''
        ? ''
        : (this.#statements.get(name)?.serverName ?? `${this.#prefix}${this.#statements.size}`);
    this.#statements.set(name, { serverName, effects });
    if (name !== '') return frame('P', cstring(serverName), bytes.subarray(end));
    this.unnamedParse = bytes;
    return bytes;
  }

  bind(bytes: Buffer): { bytes: Buffer; effects: Effects; unnamed: boolean } {
    const portal = readCString(bytes, BODY);
    const { text: name, end } = readCString(bytes, portal.end);
    const effects = this.#statements.get(name)?.effects ?? NO_EFFECTS;
    if (name === '') return { bytes, effects, unnamed: true };
    const renamed = frame(
      'B',
      bytes.subarray(BODY, portal.end),
      cstring(this.#serverName(name)),
      bytes.subarray(end),
    );
    return { bytes: renamed, effects, unnamed: false };
  }

  /** Describe and Close: a kind (statement or portal) and a name. */
  describeOrClose(type: 'D' | 'C', bytes: Buffer): { bytes: Buffer; unnamed: boolean } {
    const isStatement = bytes[BODY] === 'S'.charCodeAt(0);
    const { text: name } = readCString(bytes, BODY + 1);
    if (!isStatement || name === '') return { bytes, unnamed: isStatement };
    return { bytes: frame(type, Buffer.from('S'), cstring(this.#serverName(name))), unnamed: false };
  }

  /** An error message speaks of the name that the server knows; the client is told its own. */
  inClientWords(bytes: Buffer): Buffer {
    if (!bytes.includes(this.#prefix)) return bytes;
    let text = bytes.toString('utf8', BODY);
    for (const [name, { serverName }] of this.#statements) {
      if (serverName !== '') text = text.replaceAll(`"${serverName}"`, `"${name}"`);
    }
    return frame('E', Buffer.from(text));
  }

  #serverName(name: string): string {
    // A name never parsed still must not reach another client's statement.
    return this.#statements.get(name)?.serverName ?? `${this.#prefix}unknown`;
  }
}
