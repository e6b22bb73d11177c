/** An embeddings server that does as it is told, and keeps what it was sent. */

import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
  body: { model: string; input: string[]; encoding_format: string; dimensions?: number };
  /** Input of the body. */
  texts: string[];
}

/** @param nth 0 for the first request since the behaviour was set. */
export type Behaviour = (asked: Asked, response: ServerResponse, nth: number) => void;

/** Not the same for any two texts of the tests, never zero; its length is not 1. */
export function vectorOf(text: string): number[] {
  return [text.length, text.charCodeAt(0), text.charCodeAt(text.length - 1), 1];
}

interface Item {
  object: 'embedding';
  index: number;
  embedding: unknown;
}

export function items(texts: readonly string[], embed: (text: string) => unknown = vectorOf): Item[] {
  return texts.map((text, index) => ({ object: 'embedding', index, embedding: embed(text) }));
}

export function json(response: ServerResponse, body: unknown, status = 200, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export const fine: Behaviour = ({ texts }, response) =>
  json(response, { data: items(texts), usage: { prompt_tokens: 10 * texts.length } });

/** `{error: {…}}`, as OpenAI says it. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  facts = {},
  headers = {},
): void {
  json(response, { error: { message, type: 'invalid_request_error', ...facts } }, status, headers);
}

/** Fine for requests without the text, `bad` for those with it. */
export function against(text: string, bad: Behaviour): Behaviour {
  return (asked, response, nth) => (asked.texts.includes(text) ? bad : fine)(asked, response, nth);
}

export class FakeServer {
  readonly asked: Asked[] = [];
  /** Most requests that were under way at a time. */
  most = 0;
  #underWay = 0;
  #nth = 0;
  #behaviour: Behaviour = fine;
  readonly #events = new EventEmitter();
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(behaviour?: Behaviour): Promise<FakeServer> {
    const fake = new FakeServer();
    if (behaviour !== undefined) fake.behave(behaviour);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on; what was asked before is forgotten. */
  behave(behaviour: Behaviour): void {
    this.#behaviour = behaviour;
    this.#nth = 0;
    this.asked.length = 0;
  }

  /** Texts of each request. */
  get requests(): string[][] {
    return this.asked.map(({ texts }) => texts);
  }

  /** The next time that a request has come in whole. */
  async arrival(): Promise<void> {
    await once(this.#events, 'asked');
  }

  /** The next time that a request's connection has ended without an answer. */
  async departure(): Promise<void> {
    await once(this.#events, 'left');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.most = Math.max(this.most, ++this.#underWay);
    response.on('close', () => {
      this.#underWay--;
      if (!response.writableFinished) this.#events.emit('left');
    });
    const sent = await readText(request);
    const body = (sent === '' ? { input: [] } : JSON.parse(sent)) as Asked['body'];
    const asked = { path: request.url ?? '', headers: request.headers, body, texts: body.input };
    this.asked.push(asked);
    this.#behaviour(asked, response, this.#nth++);
    this.#events.emit('asked');
  }
}
