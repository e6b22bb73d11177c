/** A model hub on this machine: serves a folder's files, and misbehaves as it is told. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface HubFile {
  /** Path in the model. */
  path: string;
  content: Buffer;
  /** Strong, in quotes. */
  etag: string;
  sha256: string;
}

/** @returns true where it has answered; the hub answers as it should otherwise. `nth`: of this file, from 0. */
export type Misbehaviour = (
  file: HubFile,
  request: IncomingMessage,
  response: ServerResponse,
  nth: number,
) => boolean;

export const COMMIT = 'c0ffee0000000000000000000000000000000000';

export class FakeHub {
  readonly asked: { path: string; revision: string; headers: IncomingMessage['headers'] }[] = [];
  misbehave: Misbehaviour = () => false;
  readonly #server: Server;
  readonly #counts = new Map<string, number>();
  readonly #cut = new Set<ServerResponse>();

  private constructor(folder: string, name: string) {
    this.#server = createServer((request, response) => {
      const [, revision = '', path = ''] =
        new RegExp(`^/${name}/resolve/([^/]+)/(.+)$`).exec(request.url ?? '') ?? [];
      this.asked.push({ path, revision, headers: request.headers });
      if (path === '' || !existsSync(join(folder, path))) {
        response.writeHead(404).end();
        return;
      }
      const content = readFileSync(join(folder, path));
      const sha256 = createHash('sha256').update(content).digest('hex');
      const file = { path, content, etag: `"${sha256.slice(0, 40)}"`, sha256 };
      const nth = this.#counts.get(path) ?? 0;
      this.#counts.set(path, nth + 1);
      if (!this.misbehave(file, request, response, nth)) serve(file, request, response);
    });
  }

  static async start(folder: string, name: string): Promise<FakeHub> {
    const hub = new FakeHub(folder, name);
    hub.#server.listen(0, '127.0.0.1');
    await once(hub.#server, 'listening');
    return hub;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sends the beginning only, and keeps the connection until `hangUp`. */
  serveUpTo(end: number, file: HubFile, request: IncomingMessage, response: ServerResponse): void {
    this.#cut.add(response);
    serve(file, request, response, end);
  }

  hangUp(): void {
    for (const response of this.#cut) response.destroy();
    this.#cut.clear();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Whole, or from where the client says, as long as it has the same version. */
export function serve(
  file: HubFile,
  request: IncomingMessage,
  response: ServerResponse,
  upTo = Infinity,
): void {
  const { content, etag, path, sha256 } = file;
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const partial = from !== undefined && request.headers['if-range'] === etag;
  const start = partial ? Number(from) : 0;
  response.writeHead(partial ? 206 : 200, {
    etag,
    'content-length': content.length - start,
    'x-repo-commit': COMMIT,
    ...(path.endsWith('.onnx') ? { 'x-linked-etag': `"${sha256}"`, 'x-linked-size': content.length } : {}),
    ...(partial ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  if (upTo >= content.length) response.end(content.subarray(start));
  else response.write(content.subarray(start, upTo));
}
