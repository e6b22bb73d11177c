/** Which server an address leads to, and how it is shown. */

export const isPostgres = (url: string): boolean => /^postgres(ql)?:/.test(url);

/** Scheme, hosts and path of a queue URL, never its credentials: what follows '?' may hold some too. */
export function describeQueue(url: string): string {
  const [, scheme = '', rest = ''] = /^([^:]+:\/\/)([^?#]*)/.exec(url) ?? [];
  return scheme + rest.slice(rest.lastIndexOf('@') + 1);
}
