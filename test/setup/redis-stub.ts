/** A server that speaks Redis's protocol and says what a test wants: for states that take a cluster or a full memory to have. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RedisStub {
  url: string;
  close(): Promise<void>;
}

/** A text is the answer, one that begins with '-' an error. @param answers by command, in lower case; +OK to all others */
export async function startRedisStub(
  answers: Record<string, (args: string[]) => string>,
  host = '127.0.0.1',
): Promise<RedisStub> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.setEncoding('utf8').on('data', (data: string) => {
      for (const [name = '', ...args] of commandsOf(data)) {
        const answer = answers[name.toLowerCase()]?.(args) ?? 'OK';
        socket.write(
          answer.startsWith('-') ? `${answer}\r\n` : `$${Buffer.byteLength(answer)}\r\n${answer}\r\n`,
        );
      }
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `redis://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Commands that come whole, as small ones do. */
function commandsOf(data: string): string[][] {
  const lines = data.split('\r\n');
  const commands: string[][] = [];
  while (lines[0]?.startsWith('*') === true) {
    const count = Number(lines.shift()?.slice(1));
    const words = lines.splice(0, count * 2);
    commands.push(words.filter((_, at) => at % 2 === 1));
  }
  return commands;
}
