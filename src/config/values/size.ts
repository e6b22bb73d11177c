/** Sizes as PostgreSQL writes them. */

const UNITS: Record<string, number> = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Such as "512MB" or "2 GB", in bytes. */
export function sizeInBytes(size: string): number {
  const [, amount, unit = ''] = /^(\d+)\s*(kB|MB|GB)$/.exec(size) ?? [];
  const factor = UNITS[unit];
  if (amount === undefined || factor === undefined)
    throw new RangeError(`${JSON.stringify(size)} is not a size such as 512MB or 2GB`);
  return Number(amount) * factor;
}
