/** Addresses and networks of clients and proxies. */

import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

/** In one form however it is written: `::FFFF:192.0.2.7` and `192.0.2.7:1234` are `192.0.2.7`. Null for what is no address. */
export function plainAddress(text: string): string | null {
  const given = text.trim();
  const [, bracketed, , dotted] =
    /^(?:\[([\da-f:.]+)\](:\d{1,5})?|((?:\d{1,3}\.){3}\d{1,3})(?::\d{1,5})?)$/i.exec(given) ?? [];
  // The zone of a link is this machine's own name for it.
  const address = (bracketed ?? dotted ?? given).replace(/%[^%]*$/, '');
  if (isIP(address) === 0) return null;
  if (!isIPv6(address)) return address;
  const short = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:((?:\d+\.){3}\d+)$/i.exec(short)?.[1] ?? short;
}

const stemOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** Adds `10.0.0.0/8`, `fd00::/8` or a single address. @returns false for what is neither. */
function addNetwork(list: BlockList, text: string): boolean {
  const [, address = '', bits] = /^([\da-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const plain = plainAddress(address);
  if (plain === null) return false;
  const family = stemOf(plain);
  if (bits === undefined) {
    list.addAddress(plain, family);
    return true;
  }
  // Of an IPv4 address in IPv6's form the bits are not those of the short one.
  if (stemOf(address) !== family || Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  list.addSubnet(plain, Number(bits), family);
  return true;
}

export const isNetwork = (text: string): boolean => addNetwork(new BlockList(), text);

/** Whether an address, as `plainAddress` gives it, is in one of the networks. */
export function withinNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) addNetwork(list, network);
  return (address) => list.check(address, stemOf(address));
}
