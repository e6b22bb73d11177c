/** Addresses without what is a secret in them: for the ledger, for messages, for processes that need no more. */

/** As it is where it is no URL with a user. */
export function withoutUser(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.username === '' && url.password === '') return address;
  url.username = '';
  url.password = '';
  return url.href;
}

/** Parameters that are no secret; any other may be a key. */
const PUBLIC_PARAMETERS = new Set(['api-version']);

/** Also without parameters that may be a key. */
export function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) return address;
  const bare = withoutUser(address);
  const url = new URL(bare);
  const names = [...url.searchParams.keys()].filter((name) => !PUBLIC_PARAMETERS.has(name));
  if (names.length === 0 && url.hash === '') return bare;
  for (const name of names) url.searchParams.delete(name);
  url.hash = '';
  return url.href;
}
