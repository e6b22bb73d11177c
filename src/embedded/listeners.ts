/** Who listens to which channel. The one session listens to the union of them all. */

import type { Outcome } from './backend-output.ts';
import { cstring, frame, int32, readCString } from './frames.ts';
import type { ListenChange } from './sql-effects.ts';
import { quoteName } from '../db/identifiers.ts';

export class Listeners<Client> {
  readonly #byChannel = new Map<string, Set<Client>>();
  /** LISTEN takes effect at commit. */
  readonly #pending = new Map<Client, ListenChange[]>();

  of(channel: string): ReadonlySet<Client> {
    return this.#byChannel.get(channel) ?? new Set();
  }

  /**
   * Takes note of what a client's messages asked for and how they ended.
   * @returns true where an UNLISTEN went through: the session must then listen again for those who stay.
   */
  note(client: Client, changes: readonly ListenChange[], outcome: Outcome): boolean {
    const pending = [...(this.#pending.get(client) ?? []), ...changes];
    this.#pending.delete(client);
    if (pending.length === 0) return false;
    if (outcome.status !== 'I') {
      this.#pending.set(client, pending);
      return false;
    }
    if (outcome.failed || outcome.rolledBack) return false;
    for (const change of pending) this.#apply(client, change);
    return pending.some((change) => change.kind !== 'listen');
  }

  /** Forgets a client that has left. @returns the channels that nobody listens to any more. */
  drop(client: Client): string[] {
    this.#pending.delete(client);
    const before = [...this.#byChannel.keys()];
    this.#apply(client, { kind: 'unlisten-all' });
    return before.filter((channel) => !this.#byChannel.has(channel));
  }

  /** Makes the session listen to all that anybody listens to; empty where that is nothing. */
  listenAgainSql(): string {
    return [...this.#byChannel.keys()].map((channel) => `LISTEN ${quoteName(channel)}`).join('; ');
  }

  #apply(client: Client, change: ListenChange): void {
    if (change.kind === 'listen') {
      const listening = this.#byChannel.get(change.channel);
      if (listening === undefined) this.#byChannel.set(change.channel, new Set([client]));
      else listening.add(client);
      return;
    }
    const channels = change.kind === 'unlisten' ? [change.channel] : [...this.#byChannel.keys()];
    for (const channel of channels) {
      const listening = this.#byChannel.get(channel);
      listening?.delete(client);
      if (listening?.size === 0) this.#byChannel.delete(channel);
    }
  }
}

export interface Notification {
  channel: string;
  /** For a client of its own: the process id is that of the notifying client, as told to it at its start. */
  asSeenFrom: (processId: number) => Buffer;
}

/** Reads a NotificationResponse: process id, channel, payload. */
export function readNotification(bytes: Buffer): Notification {
  const channel = readCString(bytes, 9);
  const payload = readCString(bytes, channel.end);
  return {
    channel: channel.text,
    asSeenFrom: (processId) => frame('A', int32(processId), cstring(channel.text), cstring(payload.text)),
  };
}
