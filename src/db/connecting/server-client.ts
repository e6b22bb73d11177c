/**
 * The driver's client, aimed by libpq's parameters. Where they leave a choice (several hosts, sslmode prefer or allow,
 * target_session_attrs) the first that is taken is found out by a connection of its own, and remembered until it fails.
 */

import pg from 'pg';
import { refusalOf, type AuthEvent } from './authentication.ts';
import { chosen, forget } from './choose-server.ts';
import { connectPlan, type Attempt, type ConnectPlan } from './connect-plan.ts';
import { fitsKind } from './session-kind.ts';

export interface ServerClientConfig extends pg.ClientConfig {
  url: string;
  /** No choice but this one. */
  only?: Attempt;
}

/** Of the driver, as far as it is aimed here. */
interface Aimed {
  host: string;
  port: number;
  ssl: unknown;
  connection: pg.Connection & { ssl: unknown };
}

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void);

export class ServerClient extends pg.Client {
  readonly #config: ServerClientConfig;
  /** What is wrong with the parameters is said on connecting, where it is waited for. */
  readonly #plan: ConnectPlan | Error;

  constructor(given?: string | pg.ClientConfig | ServerClientConfig) {
    const config = given as ServerClientConfig;
    let plan: ConnectPlan | Error;
    try {
      plan = connectPlan(config.url);
    } catch (error) {
      plan = error instanceof Error ? error : new Error(String(error));
    }
    super(plan instanceof Error ? { host: 'localhost', ssl: false } : driverConfig(config, plan));
    this.#config = config;
    this.#plan = plan;
    if (!(plan instanceof Error)) this.#guard(plan);
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.Client> | void {
    const plan = this.#plan;
    const isAimed = !(plan instanceof Error) && (this.#config.only !== undefined || hasNoChoice(plan));
    if (isAimed) return callback === undefined ? super.connect() : super.connect(callback);
    const connected = plan instanceof Error ? Promise.reject(plan) : this.#choose(plan);
    if (callback === undefined) return connected;
    const tell = callback as (error: Error | null, client?: pg.Client) => void;
    connected.then(() => tell(null, this), tell);
  }

  async #choose(plan: ConnectPlan): Promise<pg.Client> {
    const { url } = this.#config;
    const { host, port, ssl } = await chosen(url, plan, async (attempt) => {
      const client = new ServerClient({ ...this.#config, only: attempt });
      client.on('error', () => {});
      try {
        await client.connect();
        return await fitsKind(client, plan.kind);
      } finally {
        void client.end().catch(() => {});
      }
    });
    const aimed = this as unknown as Aimed;
    Object.assign(aimed, { host, port, ssl });
    aimed.connection.ssl = ssl;
    try {
      await super.connect();
      if (plan.kind !== 'prefer-standby' && !(await fitsKind(this, plan.kind)))
        throw new Error(
          `connection ended: the server is not what target_session_attrs=${plan.kind} asks for any more`,
        );
    } catch (error) {
      forget(url);
      void this.end().catch(() => {});
      throw error;
    }
    return this;
  }

  /** Before the driver answers: a password that is asked for in a way that was ruled out is not sent. */
  #guard(plan: ConnectPlan): void {
    if (plan.methods === null && plan.bindsChannel !== 'required') return;
    const { connection } = this as unknown as Aimed;
    let asked = false;
    const look = (event: AuthEvent) => (message?: { mechanisms?: string[] }) => {
      const refusal = refusalOf(event, message?.mechanisms ?? [], {
        ...plan,
        isEncrypted: connection.ssl !== false,
        asked,
      });
      asked = true;
      if (refusal === null) return;
      // The server may have said in the same breath that it is ready.
      connection.removeAllListeners('readyForQuery');
      connection.emit('error', refusal);
      connection.stream.destroy();
    };
    for (const event of [
      'authenticationOk',
      'authenticationCleartextPassword',
      'authenticationMD5Password',
      'authenticationSASL',
    ] as const)
      connection.prependListener(event, look(event));
  }
}

/** For all of several servers together, and for one of them, ms. */
const [ALL_MS, LEAST_MS] = [10_000, 2000];

const hasNoChoice = (plan: ConnectPlan): boolean => plan.attempts.length === 1 && plan.kind === 'any';

function driverConfig(config: ServerClientConfig, plan: ConnectPlan): pg.ClientConfig {
  const { url: _, only, ...given } = config;
  const attempt = only ?? plan.attempts[0];
  const limitMs = config.connectionTimeoutMillis ?? ALL_MS;
  // One that swallows everything must not take the time of the others.
  const timeoutMs =
    plan.timeoutMs ?? (only === undefined ? undefined : Math.max(LEAST_MS, limitMs / plan.attempts.length));
  return {
    ...plan.driver,
    ...given,
    ...(attempt as object),
    ...(timeoutMs !== undefined && { connectionTimeoutMillis: timeoutMs }),
    enableChannelBinding: plan.bindsChannel !== 'off',
  };
}
