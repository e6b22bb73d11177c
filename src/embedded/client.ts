/** One client's side of the shared session. */

import { errorFrame, type ProtocolError } from './frames.ts';
import type { StartupParameters } from './session-settings.ts';
import { StatementNames } from './statement-names.ts';

/** The part of a socket that is needed to answer. */
export interface Outlet {
  write(bytes: Buffer): boolean;
  destroySoon(): void;
  cork(): void;
  uncork(): void;
}

export class Client {
  /** As told to the client at its start: there is one session, and one process. */
  readonly processId: number;
  readonly names: StatementNames;
  readonly startup: StartupParameters;
  settings: StartupParameters;
  /** StartupParameters may have changed since they were read back. */
  settingsTouched = false;
  readonly #outlet: Outlet;
  #lastActiveAt = performance.now();

  constructor(
    { processId, number }: { processId: number; number: number },
    startup: StartupParameters,
    outlet: Outlet,
  ) {
    this.processId = processId;
    this.names = new StatementNames(number);
    this.startup = startup;
    this.settings = startup;
    this.#outlet = outlet;
  }

  /** The client has sent something, be it only a part of its COPY data. */
  touch(): void {
    this.#lastActiveAt = performance.now();
  }

  /** Since it last sent something. */
  get idleMs(): number {
    return performance.now() - this.#lastActiveAt;
  }

  send(...parts: Buffer[]): void {
    this.#outlet.cork();
    for (const part of parts) this.#outlet.write(part);
    this.#outlet.uncork();
  }

  /** Ends the connection as a server does: a FATAL error, then the end of the stream. */
  terminate(reason: ProtocolError): void {
    this.send(errorFrame('FATAL', reason.sqlState, reason.message));
    this.#outlet.destroySoon();
  }
}
