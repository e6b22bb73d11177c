/** What relevance is measured on: collections that people have judged, and records that are looked for by their titles. */

import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecords } from '../../../src/demo/records.ts';
import type { SampleRecord } from '../../../src/demo/record-shape.ts';
import { ConfigError } from '../../../src/errors.ts';
import { uniform } from '../../../src/random.ts';
import { withTitleOfTheirOwn } from '../../../src/verify/compared-models/known-items.ts';

export interface Collection {
  /** Of its folder. */
  name: string;
  isJudged: boolean;
  records: SampleRecord[];
  /** Columns that are embedded and searched. */
  text: ('title' | 'body')[];
  queriesFile: string;
  judgementsFile: string;
}

export interface KnownItems {
  /** Drawn of those that have title and body. */
  rows: number;
  queries: number;
}

/**
 * Every folder of `from` with docs.jsonl (or .gz): judged where queries.jsonl and qrels.tsv lie beside it, as BEIR has them.
 * @param made folder for queries of titles
 */
export async function collectionsOf(from: string, made: string, asked: KnownItems): Promise<Collection[]> {
  const collections: Collection[] = [];
  for (const { name } of (await readdir(from, { withFileTypes: true })).filter((each) =>
    each.isDirectory(),
  )) {
    const folder = join(from, name);
    const docs = ['docs.jsonl', 'docs.jsonl.gz']
      .map((file) => join(folder, file))
      .find((file) => existsSync(file));
    if (docs === undefined) continue;
    const records = await recordsOf(docs);
    const [queriesFile, judgementsFile] = [join(folder, 'queries.jsonl'), join(folder, 'qrels.tsv')];
    collections.push(
      existsSync(queriesFile) && existsSync(judgementsFile)
        ? { name, isJudged: true, records, text: ['title', 'body'], queriesFile, judgementsFile }
        : await knownItems(name, records, join(made, name), asked),
    );
  }
  if (collections.length > 0) return collections.toSorted((a, b) => Number(b.isJudged) - Number(a.isJudged));
  throw new ConfigError(`No folder of ${from} has docs.jsonl or docs.jsonl.gz.`, {
    code: 'USAGE',
    remedy:
      'Name a folder with --from that holds collections: NAME/docs.jsonl, with queries.jsonl and qrels.tsv where they are judged.',
  });
}

/** Of the body alone: each row is looked for by its title. */
async function knownItems(
  name: string,
  all: readonly SampleRecord[],
  folder: string,
  { rows, queries }: KnownItems,
): Promise<Collection> {
  const random = uniform(1);
  const records = all
    .filter(({ title, body }) => title.trim() !== '' && (body ?? '').trim() !== '')
    .map((record) => ({ record, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, rows)
    .map(({ record }) => record);
  const titles = withTitleOfTheirOwn(records.map(({ id, title }) => ({ id: String(id), text: title })));
  const asked = titles.slice(0, queries);
  await mkdir(folder, { recursive: true });
  const [queriesFile, judgementsFile] = [join(folder, 'queries.jsonl'), join(folder, 'qrels.tsv')];
  await writeFile(queriesFile, asked.map((title) => JSON.stringify(title)).join('\n'));
  await writeFile(judgementsFile, asked.map(({ id }) => `${id}\t0\t${id}\t1`).join('\n'));
  return { name, isJudged: false, records, text: ['body'], queriesFile, judgementsFile };
}

async function recordsOf(file: string): Promise<SampleRecord[]> {
  const records: SampleRecord[] = [];
  for await (const record of readRecords(file)) records.push(record);
  return records;
}
