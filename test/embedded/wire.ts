/** A client that speaks the protocol by hand, for what drivers do not do. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { cstring, frame, FrameReader, int16, int32, type Frame } from '../../src/embedded/frames.ts';

export const parse = (name: string, sql: string) => frame('P', cstring(name), cstring(sql), int16(0));
export const bind = (portal: string, name: string) =>
  frame('B', cstring(portal), cstring(name), int16(0), int16(0), int16(0));
export const describePortal = (portal: string) => frame('D', Buffer.from('P'), cstring(portal));
export const execute = (portal: string, rows = 0) => frame('E', cstring(portal), int32(rows));
export const copyData = (text: string) => frame('d', Buffer.from(text));
export const COPY_DONE = frame('c');
export const FLUSH = frame('H');

/** Length and body; the first packet has no type. */
export function startup(parameters: Record<string, string>, version = 196_608): Buffer {
  const pairs = Object.entries(parameters).flat();
  const body = Buffer.concat([int32(version), ...pairs.map((each) => cstring(each)), Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export class WireClient {
  readonly socket: Socket;
  readonly #messages: AsyncGenerator<Frame>;

  private constructor(socket: Socket, password: string) {
    this.socket = socket;
    this.#messages = readMessages(socket, password);
  }

  static async open(url: string): Promise<WireClient> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new WireClient(socket, decodeURIComponent(new URL(url).password));
  }

  /** Opened and greeted. */
  static async start(url: string): Promise<WireClient> {
    const client = await WireClient.open(url);
    client.send(startup({ user: 'postgres', database: 'postgres' }));
    await client.until('Z');
    return client;
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** All messages up to the first of this type. */
  async until(type: string): Promise<Frame[]> {
    const seen: Frame[] = [];
    for (;;) {
      const { value, done } = await this.#messages.next();
      if (done === true) throw new Error(`connection ended; got ${seen.map((each) => each.type).join('')}`);
      seen.push(value);
      if (value.type === type) return seen;
    }
  }

  /** The types of those messages, as one word. */
  async typesUntil(type: string): Promise<string> {
    return (await this.until(type)).map((each) => each.type).join('');
  }

  /** Whatever the server still says before it ends the connection. */
  async rest(): Promise<Frame[]> {
    const seen: Frame[] = [];
    for await (const message of this.#messages) seen.push(message);
    return seen;
  }

  end(): Promise<void> {
    this.socket.destroy();
    return Promise.resolve();
  }
}

/** A request for the password is answered, and not told. */
async function* readMessages(socket: Socket, password: string): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  reader.untyped = false;
  for await (const chunk of socket) {
    reader.push(chunk as Buffer);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next.type === 'R' && next.bytes.readInt32BE(5) === 3) socket.write(frame('p', cstring(password)));
      else yield next;
    }
  }
}
