/** An HTTP server on an address, of IPv6 too. */

import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';

type Options = Parameters<typeof createAdaptorServer>[0] & { hostname: string; port: number };

/** A host in a URL: an address of IPv6 in brackets. */
export function urlHost(host: string): string {
  const address = host.replaceAll(/[[\]]/g, '');
  return address.includes(':') ? `[${address}]` : address;
}

/**
 * As the adapter's own `serve`. A request without `Host`, as simple probes of proxies are, counts as one of the address
 * that is listened on: that has brackets in a URL, and none for the system.
 */
export function serve(options: Options, listening?: (address: AddressInfo) => void): ServerType {
  const address = options.hostname.replaceAll(/[[\]]/g, '');
  const server = createAdaptorServer({ ...options, hostname: urlHost(address) });
  server.listen(options.port, address, () => listening?.(server.address() as AddressInfo));
  return server;
}
