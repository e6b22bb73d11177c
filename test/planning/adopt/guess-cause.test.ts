import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { emptyEmbeddings, type Embedder } from '../../../src/embedding/embedder.ts';
import { uniform } from '../../../src/random.ts';
import { compareTexts, type ComparedRow } from '../../../src/planning/adopt/compare-vectors.ts';
import { guessCause, triedRows } from '../../../src/planning/adopt/guess-cause.ts';

const DIMENSIONS = 32;

/** Each text a direction of its own. */
function directionOf(text: string): Float32Array {
  let seed = 7;
  for (const character of text) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  const next = uniform(seed);
  const vector = Float32Array.from({ length: DIMENSIONS }, () => next() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((component) => component / length);
}

const embedder: Embedder = {
  model: 'directions',
  dimensions: DIMENSIONS,
  fingerprint: '',
  precision: 'fp32',
  maxCharacters: 1000,
  embed: (texts, { as = 'document' } = {}) => {
    const result = emptyEmbeddings(texts.length, DIMENSIONS);
    for (const [at, text] of texts.entries())
      result.vectors.set(directionOf(as === 'query' ? `ask ${text}` : text), at * DIMENSIONS);
    return Promise.resolve(result);
  },
  close: () => Promise.resolve(),
};

const ROWS = 20;
const columnsOf = (at: number): [string, string] => [`Title ${at}`, `the body of ${at}`];

async function settingsOf(env: Record<string, string> = {}): Promise<Settings> {
  const given = { DATABASE_URL: 'postgres://h/d', QUEUE_URL: 'redis://h', BACKFILL_TABLE: 't', ...env };
  const text = { BACKFILL_TEXT: 'title,body', BACKFILL_MODEL_NAME: 'directions' };
  return (await loadConfig({ flags: {}, env: { ...text, ...given }, cwd: '/' })).settings;
}

/** @param made the vector that is stored for a row's text and columns */
async function causeOf(
  made: (text: string, columns: [string, string]) => Float32Array,
  { wrong = ROWS, env = {} }: { wrong?: number; env?: Record<string, string> } = {},
): Promise<string> {
  const settings = await settingsOf(env);
  const rows = await Promise.all(
    Array.from({ length: wrong }, async (_, at): Promise<ComparedRow> => {
      const text = columnsOf(at).join('\n');
      const stored = made(text, columnsOf(at));
      const [compared] = await compareTexts(embedder, [{ text, stored }], {});
      return { key: String(at), text, stored, ...(compared ?? { cosine: 0, length: 0 }) };
    }),
  );
  const disagreeing = rows.toSorted((a, b) => a.cosine - b.cosine);
  const tried = triedRows(disagreeing);
  const columns = new Map(rows.map(({ key }, at) => [key, columnsOf(at)]));
  return guessCause(embedder, settings, { disagreeing, tried, rows: ROWS, columns });
}

describe('why vectors disagree', () => {
  it.each<[string, string, (text: string, columns: [string, string]) => Float32Array]>([
    ['one column', 'for column "title" alone: set text', (_, [title]) => directionOf(title)],
    ['another separator', 'with " " between them', (_, columns) => directionOf(columns.join(' '))],
    ['the other order', 'in the reverse order', (_, [a, b]) => directionOf(`${b}\n${a}`)],
    ['a prefix', 'the texts behind "passage: "', (text) => directionOf(`passage: ${text}`)],
    ['lower case', 'the texts in lower case', (text) => directionOf(text.toLowerCase())],
    ['lengths', 'they are 2.500 times those', (text) => directionOf(text).map((each) => 2.5 * each)],
    ['no model of these', 'another model than directions', (text) => directionOf(`other ${text}`)],
    [
      'a rounding',
      'the same model in another precision',
      (text) => directionOf(text).map((each, at) => each + (at % 2 === 0 ? 0.01 : -0.01)),
    ],
  ])('%s', async (_, cause, made) => {
    expect(await causeOf(made)).toContain(cause);
  });

  it('texts embedded as queries', async () => {
    const env = { BACKFILL_MODEL_QUERY_PREFIX: 'ask ' };
    expect(await causeOf((text) => directionOf(`ask ${text}`), { env })).toContain('the texts as queries');
  });

  it('few rows of many are at fault themselves', async () => {
    expect(await causeOf((text) => directionOf(`before ${text}`), { wrong: 3 })).toContain(
      'their texts were edited since',
    );
  });
});
