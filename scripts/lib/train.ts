/** What the trainer is given: the table's texts, or a file's, masked as the pipeline masks them. */

import { resolve } from 'node:path';
import type { Invocation } from '../../src/cli/command.ts';
import { withDatabase } from '../../src/cli/session.ts';
import type { Config } from '../../src/config/load.ts';
import type { Pool } from '../../src/db/pool.ts';
import { recordTexts } from '../../src/demo/records.ts';
import { maskPolicy } from '../../src/embedding/open-embedder.ts';
import { ConfigError } from '../../src/errors.ts';
import { describeTarget } from '../../src/ledger/backfill/describe-target.ts';
import { readTexts } from '../../src/table/read-texts.ts';
import { MAX_CHARACTERS, maskedTexts, tableTexts } from '../../src/training/table-texts.ts';
import { trainFrom, type TrainFromOptions, type TrainedFrom } from '../../src/training/train-from.ts';

export async function trainOnTable(
  pool: Pool,
  { backfill, settings }: Config,
  options: TrainFromOptions,
): Promise<TrainedFrom> {
  const target = await describeTarget(pool, backfill, settings);
  const texts = tableTexts(pool, target, (keys) => readTexts(pool, target, keys, MAX_CHARACTERS));
  return trainFrom(maskedTexts(texts, maskPolicy(settings)), options);
}

export async function trainOnDatabase(
  invocation: Invocation,
  options: TrainFromOptions,
): Promise<TrainedFrom> {
  const config = await invocation.config();
  const logger = invocation.logger(config.settings.logLevel);
  return withDatabase(config, 'train-model', logger, (pool) => trainOnTable(pool, config, options));
}

export async function trainOnFile(
  invocation: Invocation,
  file: string,
  options: TrainFromOptions,
): Promise<TrainedFrom> {
  const { settings } = await invocation.config(['database.url', 'table', 'text']);
  const onNotes = (notes: string[]): void => notes.forEach((note) => invocation.warn(note));
  const texts = recordTexts(resolve(invocation.host.cwd, file), { signal: invocation.signal, onNotes });
  return trainFrom(maskedTexts(texts, maskPolicy(settings)), options);
}

/** The range is the trainer's to check. @throws ConfigError `USAGE` */
export function numberFlag({ flags }: Invocation, name: string, fallback: number): number {
  const given = flags[name];
  if (given === undefined) return fallback;
  if (typeof given === 'string' && /^\d+$/.test(given)) return Number(given);
  throw new ConfigError(`--${name} must be a whole number, not ${JSON.stringify(given)}.`, {
    code: 'USAGE',
    remedy: `Give --${name} a whole number, or leave it out for ${fallback}.`,
  });
}
