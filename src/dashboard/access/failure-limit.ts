/** Counts wrong credentials by the client's network, so that a password cannot be guessed by trying. */

import { isIPv6, SocketAddress } from 'node:net';

/** Wrong tries that an address has within the window. */
const MAX_FAILURES = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered; beyond it the oldest is forgotten, so that memory stays bounded. */
const MAX_ADDRESSES = 4096;

/** Of an IPv6 address, what one client is given of them: 2^64, each of which would have tries of its own. */
const NETWORK_GROUPS = 4;

/** The address itself for IPv4, also where it is written as IPv6; the /64 network of an IPv6 address. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  // In one form, however it came: without zone, lower case.
  const plain = new SocketAddress({ address: address.replace(/%.*$/, ''), family: 'ipv6' }).address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail = ''] = plain.replace(/(\d+\.){3}\d+$/, '0:0').split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const filled = plain.includes('::') ? 8 - groups(head).length - groups(tail).length : 0;
  const all = [...groups(head), ...Array.from({ length: filled }, () => '0'), ...groups(tail)];
  return `${all
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that does not go back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Seconds until the address may try again; 0 where it may now. */
  secondsLeft(address: string): number {
    const found = this.#failures.get(address);
    if (found === undefined) return 0;
    const left = found.until - this.#now();
    if (left <= 0) this.#failures.delete(address);
    return left > 0 && found.count >= MAX_FAILURES ? Math.ceil(left / 1000) : 0;
  }

  add(address: string): void {
    const found = this.#failures.get(address);
    const now = this.#now();
    const count = found === undefined || found.until <= now ? 1 : found.count + 1;
    // The window begins with the first failure, and again with the one that fills it.
    const until = count === 1 || count === MAX_FAILURES ? now + WINDOW_MS : (found?.until ?? now);
    this.#failures.delete(address);
    this.#failures.set(address, { count, until });
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }

  forget(address: string): void {
    this.#failures.delete(address);
  }
}
