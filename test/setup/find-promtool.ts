import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Prometheus' own check of rules; null where it is not installed. */
export function findPromtool(): string | null {
  const given = process.env['PROMTOOL_PATH'];
  if (given !== undefined && given !== '') return given;
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => join(folder, 'promtool')).find((path) => existsSync(path)) ?? null;
}
