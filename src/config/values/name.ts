/** Names of tables and columns that PostgreSQL keeps as they are. */

/** PostgreSQL cuts longer names in silence, so that two of them could collide (NAMEDATALEN - 1, in bytes). */
export const MAX_NAME_BYTES = 63;

/** Why PostgreSQL would not keep this name as it stands; null where it does. */
export function nameFault(name: string): string | null {
  if (name === '') return 'is empty';
  if (name.includes('\0')) return 'holds a NUL character';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    return `is longer than ${MAX_NAME_BYTES} bytes, and PostgreSQL would cut it`;
  return null;
}
