/** One socket: reads messages, has them run one group at a time, and clears up when the socket closes. */

import type { Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import { Client } from './client.ts';
import { errorFrame, FrameReader, ProtocolError, type Frame } from './frames.ts';
import { startupSettings, type StartupParameters } from './session-settings.ts';
import type { SharedSession } from './shared-session.ts';
import { askForPassword, startupReply, isPassword, readOpening } from './startup.ts';
import { MessageGroupCollector } from './message-group.ts';

export interface ConnectionContext {
  session: SharedSession;
  reported: StartupParameters;
  /** Of the server. */
  processId: number;
  /** Of the connection. */
  number: number;
  /** That the client has to give; none where absent. */
  password: string | undefined;
  logger: { info(message: string): void };
}

/** Resolves when the client is gone and nothing of it is left. Never rejects. */
export async function serveConnection(socket: Socket, context: ConnectionContext): Promise<void> {
  // A reset is seen by the reading loop; unheard, it would end the process.
  socket.on('error', () => {});
  socket.setNoDelay(true);
  const connection = new Connection(socket, context);
  try {
    // Reading waits while a group runs, so a client cannot pile up more than the socket's buffer.
    // The socket must outlive the loop, or the reason for its end would be lost with it.
    const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) if (!(await connection.take(chunk))) break;
  } catch (error) {
    if (error instanceof ProtocolError) socket.end(errorFrame('FATAL', error.sqlState, error.message));
    else if (!socket.destroyed)
      context.logger.info(`embedded server: connection failed: ${messageOf(error)}`);
  } finally {
    // First the socket, after what is still to be sent: clearing up waits for its turn, the client need not.
    socket.destroySoon();
    await connection.leave();
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #reader = new FrameReader();
  #started: { client: Client; collector: MessageGroupCollector } | null = null;
  /** Starts the connection, once the password has come that was asked for. */
  #letIn: (() => void) | null = null;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
  }

  /** False where the connection is to end. */
  async take(chunk: Buffer): Promise<boolean> {
    this.#reader.push(chunk);
    this.#started?.client.touch();
    for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
      const goesOn =
        this.#letIn !== null
          ? this.#authenticate(frame, this.#letIn)
          : this.#started === null
            ? this.#open(frame)
            : await this.#handle(frame, this.#started);
      if (!goesOn) return false;
    }
    return true;
  }

  /** Also where the client goes away instead. Both listeners go with the first event: a slow reader must not gather them. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  async leave(): Promise<void> {
    if (this.#started !== null) await this.#context.session.leave(this.#started.client);
  }

  #open(frame: Frame): boolean {
    const opening = readOpening(frame.bytes);
    if (opening.kind === 'cancel') return false;
    if (opening.kind === 'refuse-encryption') {
      this.#socket.write('N');
      return true;
    }
    const startup = startupSettings(opening.parameters);
    const letIn = (): void => {
      this.#letIn = null;
      const client = new Client(this.#context, startup, this.#socket);
      this.#started = { client, collector: new MessageGroupCollector(client.names) };
      client.send(startupReply(this.#context.reported, startup, client.processId, opening));
    };
    this.#reader.untyped = false;
    if (this.#context.password === undefined) letIn();
    else {
      this.#letIn = letIn;
      this.#socket.write(askForPassword());
    }
    return true;
  }

  /** Nothing else is heard of a client that has not shown the password. */
  #authenticate(frame: Frame, letIn: () => void): boolean {
    const { password = '' } = this.#context;
    if (frame.type !== 'p' || !isPassword(frame.bytes, password))
      throw new ProtocolError('password authentication failed for the embedded server', '28P01');
    letIn();
    return true;
  }

  async #handle(
    frame: Frame,
    { client, collector }: { client: Client; collector: MessageGroupCollector },
  ): Promise<boolean> {
    const step = collector.push(frame);
    if (step.kind === 'end') return false;
    if (step.kind === 'ask-for-copy-data') client.send(step.answer);
    if (step.kind === 'group') {
      await this.#context.session.run(client, step.group);
      // A client that reads slowly is answered no faster than it reads.
      if (this.#socket.writableNeedDrain && !this.#socket.destroyed) {
        await this.#drained();
      }
    }
    return true;
  }
}
