import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { serve } from '../../src/dashboard/listen.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((all = []) =>
  all.some(({ address }) => address === '::1'),
);

it.skipIf(!hasIPv6).each(['::1', '[::1]', '::'])(
  'a probe without Host is answered on %s',
  async (hostname) => {
    const server = serve({ fetch: () => new Response('ok'), hostname, port: 0 });
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '::1');
    socket.write('GET /healthz HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/);
    server.close();
  },
);
