/**
 * The one PGlite session, shared by all clients, each of which is to find it as if it had it for itself: its
 * settings, its prepared statements, its notifications, its transaction.
 *
 * What stays shared, and cannot be helped: session-level advisory locks (the second taker gets them, too; those of a
 * transaction are safe, since transactions run one after the other), temporary tables, SQL-level PREPARE and
 * DEALLOCATE ALL / DISCARD ALL, pg_backend_pid() and pg_stat_activity, roles. A long statement holds up everybody.
 * There are no signals in WASM: statement_timeout, lock_timeout, cancel and terminate do nothing.
 */

import { readOutcome, rewriteOutput, type Outcome } from './backend-output.ts';
import type { Client } from './client.ts';
import type { PgliteEngine } from './pglite.ts';
import { cstring, frame, ProtocolError, query, readErrorFields, SYNC } from './frames.ts';
import { Listeners, readNotification } from './listeners.ts';
import {
  READ_SETTINGS,
  readSettings,
  sameSettings,
  switchSettingsSql,
  withStartupSettings,
  type StartupParameters,
} from './session-settings.ts';
import { SessionLock } from './session-lock.ts';
import type { MessageGroup } from './message-group.ts';

export class SharedSession {
  readonly #engine: PgliteEngine;
  readonly #lock: SessionLock<Client>;
  readonly #listeners = new Listeners<Client>();
  /** What is set in the session now. */
  #settings: StartupParameters = new Map();

  constructor(engine: PgliteEngine, idleTransactionLimitMs: number) {
    this.#engine = engine;
    this.#lock = new SessionLock({
      limitMs: idleTransactionLimitMs,
      idleMs: (owner) => owner.idleMs,
      // A client that waits for another one in the midst of its own transaction would wait for ever.
      onStall: (owner) =>
        owner.terminate(
          new ProtocolError(
            `terminating connection: its transaction was idle for ${idleTransactionLimitMs} ms while other clients of the embedded server, which has one session, waited for it`,
            '25P03',
          ),
        ),
    });
  }

  /** Runs a group of messages once the session is the client's, and sends the answer. @throws ProtocolError */
  async run(client: Client, group: MessageGroup): Promise<void> {
    await this.#lock.run(client, async () => {
      if (!this.#lock.isOwner(client)) await this.#prepareFor(client, group);
      const output = await this.#engine.call(group.messages);
      const outcome = readOutcome(output);
      const mustListenAgain = this.#listeners.note(client, group.effects.listens, outcome);
      this.#deliver(client, group, output, outcome);
      client.settingsTouched ||= group.effects.settings;
      if (outcome.status !== 'I') return true;
      if (mustListenAgain) await this.#runSql(this.#listeners.listenAgainSql());
      if (client.settingsTouched) await this.#readSettingsOf(client);
      return false;
    });
  }

  /** Undoes what a client that is gone has left behind. */
  async leave(client: Client): Promise<void> {
    await this.#lock.run(client, async () => {
      if (this.#lock.isOwner(client)) await this.#engine.call(Buffer.concat([SYNC, query('ROLLBACK')]));
      const closes = client.names.serverNames.map((name) => frame('C', Buffer.from('S'), cstring(name)));
      if (closes.length > 0) await this.#engine.call(Buffer.concat([...closes, SYNC]));
      const deserted = this.#listeners.drop(client);
      if (deserted.length > 0) {
        await this.#runSql(['UNLISTEN *', this.#listeners.listenAgainSql()].filter(Boolean).join('; '));
      }
      return false;
    });
  }

  /** Brings the session from whoever had it last into the state that this client left it in. */
  async #prepareFor(client: Client, group: MessageGroup): Promise<void> {
    if (!sameSettings(this.#settings, client.settings)) {
      const output = await this.#runSql(switchSettingsSql(this.#settings, client.settings));
      assertNoError(output);
      this.#settings = client.settings;
    }
    if (group.needsUnnamed && client.names.unnamedParse !== null) {
      await this.#engine.call(Buffer.concat([client.names.unnamedParse, SYNC]));
    }
  }

  async #readSettingsOf(client: Client): Promise<void> {
    this.#settings = readSettings(await this.#engine.call(READ_SETTINGS));
    client.settings = withStartupSettings(this.#settings, client.startup);
    client.settingsTouched = false;
  }

  #deliver(client: Client, group: MessageGroup, output: Buffer, outcome: Outcome): void {
    const plain = !outcome.types.has('A') && !outcome.types.has('E') && !group.copied;
    if (plain) {
      client.send(output);
      return;
    }
    const parts = rewriteOutput(output, (type, message) => {
      if (type === 'A') return this.#route(client, message);
      if (type === 'E') return client.names.inClientWords(message);
      return type === 'G' && group.copied ? null : message;
    });
    client.send(...parts);
  }

  /** Sends a notification to the other listeners; the sender's own stays where it stands among its answers. */
  #route(sender: Client, message: Buffer): Buffer | null {
    const notification = readNotification(message);
    const seen = notification.asSeenFrom(sender.processId);
    const listeners = this.#listeners.of(notification.channel);
    for (const listener of listeners) if (listener !== sender) listener.send(seen);
    return listeners.has(sender) ? seen : null;
  }

  #runSql(sql: string): Promise<Buffer> {
    return sql === '' ? Promise.resolve(Buffer.alloc(0)) : this.#engine.call(query(sql));
  }
}

function assertNoError(output: Buffer): void {
  rewriteOutput(output, (type, message) => {
    if (type !== 'E') return message;
    const fields = readErrorFields(message);
    throw new ProtocolError(fields.get('M') ?? 'error', fields.get('C'));
  });
}
