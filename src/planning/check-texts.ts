/** How long the table's texts are in tokens, and what the model would not read of them. */

import type { Settings } from '../config/settings.ts';
import { quoteName } from '../db/identifiers.ts';
import type { Pool } from '../db/pool.ts';
import { TABLE_LIMITS, inReadOnly } from '../db/transaction.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { estimatedRows } from '../table/partitions.ts';
import type { Target } from '../table/target.ts';
import type { Finding } from './finding.ts';

const SAMPLED_ROWS = 500;
/** Of one text; what is longer counts as this long. */
const MOST_CHARACTERS = 100_000;
/** Share of cut texts from which on it is a warning. */
const WARN_SHARE = 0.05;

const CONSEQUENCE = {
  truncate: 'would be cut',
  'mean-of-chunks': 'would be read in chunks',
  skip: 'would be left without a vector',
  fail: 'would be quarantined',
} as const;

/** Nothing for a model that does not tell its tokens, and for a table without text. */
export async function checkTextLengths(
  pool: Pool,
  target: Target,
  settings: Settings,
  embedder: Embedder,
): Promise<Finding[]> {
  const { maxTokens } = embedder;
  if (embedder.countTokens === undefined || maxTokens === undefined) return [];
  const texts = await sampleTexts(pool, target);
  if (texts.length === 0) return [];
  const tokens = (await embedder.countTokens(texts)).sort();
  const at = (share: number): number => tokens[Math.ceil(share * tokens.length) - 1] ?? 0;
  const longer = tokens.filter((count) => count > maxTokens).length / tokens.length;
  const mode = settings.modelLongText;
  const isLoss = mode !== 'mean-of-chunks' && longer > WARN_SHARE;
  const percent = `${(100 * longer).toFixed(1)} %`;
  return [
    {
      level: isLoss ? 'warn' : 'ok',
      check: 'text-length',
      message: `tokens of ${tokens.length} sampled texts: median ${at(0.5)}, 90 % up to ${at(0.9)}, 99 % up to ${at(0.99)}, most ${at(1)}; ${percent} are longer than the ${maxTokens} that the model reads and ${CONSEQUENCE[mode]} (model.longText: ${mode})`,
      ...(isLoss
        ? {
            remedy:
              'Set model.longText to mean-of-chunks, raise model.maxTokens where the model can read more, or take the loss.',
            option: 'model.longText',
          }
        : {}),
      figures: {
        sampled: tokens.length,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: at(1),
        maxTokens,
        longerShare: longer,
      },
    },
  ];
}

/** Whole pages are drawn, about a third more rows than wanted; a small table is read whole. */
async function sampleTexts(pool: Pool, target: Target): Promise<string[]> {
  const rows = await estimatedRows(pool, target.table);
  const draw = async (percent: number): Promise<string[]> => {
    const found = await inReadOnly(pool, TABLE_LIMITS, (client) =>
      client.query<{ text: string }>(
        `SELECT left(text, $2) AS text FROM (
         SELECT ${target.text} AS text, ${target.ref}.${quoteName(target.key)} AS key
           FROM ${target.table} TABLESAMPLE SYSTEM ($1) REPEATABLE (1) WHERE ${target.where}) sampled
        WHERE text ~ '[^[:space:]]' ORDER BY md5(key::text) LIMIT $3`,
        [percent, MOST_CHARACTERS, SAMPLED_ROWS],
      ),
    );
    return found.rows.map((row) => row.text);
  };
  const share = rows <= 20 * SAMPLED_ROWS ? 100 : (100 * 4 * SAMPLED_ROWS) / rows;
  const texts = await draw(share);
  // Half-empty pages, or a condition that few rows meet.
  return texts.length < SAMPLED_ROWS / 4 && share < 10 ? draw(10) : texts;
}
