/** Long texts → a vector for each passage. What a row has of the very passage already is taken from its store. */

import { createHash } from 'node:crypto';
import type { StagedRow } from '../db/copy-binary.ts';
import { VECTOR_FAULT, type CutText, type VectorFault } from '../embedding/embedder.ts';
import { ConfigError } from '../errors.ts';
import { optionName } from '../config/option-name.ts';
import { saltOfTexts } from '../ledger/rows/text-salt.ts';
import { inBytes } from '../embedding/passages/offsets.ts';
import { knowsNoEncoding } from '../table/database-encoding.ts';
import { storedPassages } from './store/stored-passages.ts';
import { checkedVectors, type EmbeddedPage } from './checked-vectors.ts';
import type { PipelineContext } from './pipeline-context.ts';
import type { WorkRow } from './read-rows.ts';

/** A passage that says nothing to the model has no vector; the row's others have theirs. */
const SAYS_NOTHING: readonly VectorFault[] = [1, 3];

/** @param rows whose text is to be embedded. @throws ConfigError of an embedder that cannot cut texts, or gives no vectors */
export async function embedPassages(
  context: PipelineContext,
  rows: readonly WorkRow[],
  signal: AbortSignal | undefined,
): Promise<EmbeddedPage> {
  const { embedder, pool, target } = context;
  if (embedder.cutPassages === undefined) throw cutsNoPassages(embedder.model);
  const texts = new Map(rows.map((row) => [row.hash.toString('base64'), row.text]));
  const cut = await embedder.cutPassages([...texts.values()], { signal });
  const hashOf = passageHash(
    embedder.fingerprint,
    await saltOfTexts(pool, target.backfill, embedder.fingerprint),
  );
  const countsBytes = await knowsNoEncoding(pool);
  const cutOf = new Map(
    [...texts.keys()].map((hash, at) => {
      const text = cut.texts[at] as CutText;
      const places = countsBytes ? inBytes(texts.get(hash) ?? '', text.passages) : text.passages;
      return [hash, { ...text, places, hashes: text.passages.map((passage) => hashOf(passage.text)) }];
    }),
  );
  const wanted = new Map<string, string>();
  for (const { passages, hashes } of cutOf.values())
    for (const [at, hash] of hashes.entries()) wanted.set(hash.toString('base64'), passages[at]?.text ?? '');
  const known = await storedPassages(
    context,
    rows.filter((row) => row.hasVector).map((row) => row.key),
    [...wanted.keys()].map((hash) => Buffer.from(hash, 'base64')),
  );
  const fresh = [...wanted].filter(([hash]) => !known.has(hash));
  const { vectors, faults, truncated, tokens } = await checkedVectors(
    context,
    fresh.map(([, text]) => text),
    { signal, as: 'passage' },
  );
  const page: EmbeddedPage = { embedded: [], unusable: [], tokens, masked: cut.masked };
  const placeOf = new Map(fresh.map(([hash], at) => [hash, at]));
  for (const row of rows) {
    const text = cutOf.get(row.hash.toString('base64'));
    if (text === undefined) continue;
    let fault = text.fault;
    let isTruncated = row.cut || text.truncated;
    const own: StagedRow[] = [];
    for (const [at, hash] of text.hashes.entries()) {
      const name = hash.toString('base64');
      const place = placeOf.get(name);
      const vector = known.get(name) ?? vectors[place ?? -1];
      const itsFault = place === undefined ? 0 : (faults[place] ?? 0);
      if (itsFault !== 0 && (fault === 0 || !SAYS_NOTHING.includes(itsFault))) fault = itsFault;
      if (itsFault !== 0 || vector === undefined) continue;
      isTruncated ||= place !== undefined && truncated[place] === 1;
      const { start = 0, end = 0 } = text.places[at] ?? {};
      const passage = { number: own.length, start, end, hash };
      own.push({ key: row.fields, vector, textHash: row.hash, truncated: false, passage });
    }
    const isUsable = own.length > 0 && (fault === 0 || SAYS_NOTHING.includes(fault));
    if (isUsable) page.embedded.push(...own.map((each) => ({ ...each, truncated: isTruncated })));
    else page.unusable.push({ row, class: 'row', reason: VECTOR_FAULT[fault] ?? VECTOR_FAULT[1] });
  }
  return page;
}

const cutsNoPassages = (model: string): ConfigError =>
  new ConfigError(`Model ${model} cannot tell where its passages end.`, {
    code: 'PASSAGES_UNSUPPORTED',
    remedy: `Set ${optionName('model.longText')} to another value than chunks.`,
  });

/** Of the passage as it is embedded: the same words of another place are the same passage. */
const passageHash =
  (fingerprint: string, salt: string) =>
  (text: string): Buffer =>
    createHash('sha256').update(`${salt}${fingerprint}\n${text}`).digest();
