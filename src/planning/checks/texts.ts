/** Whether the table's texts can be read, how long they are in tokens, and what the model would not read of them. */

import { optionName } from '../../config/option-name.ts';
import { isOfBytes } from '../../db/sqlstates.ts';
import { messageOf } from '../../errors.ts';
import type { Settings } from '../../config/settings.ts';
import { quoteName } from '../../db/identifiers.ts';
import type { Pool } from '../../db/pool.ts';
import type { Embedder } from '../../embedding/embedder.ts';
import { knowsNoEncoding } from '../../table/database-encoding.ts';
import { drawTexts, type TextSample } from '../../table/sample-texts.ts';
import type { Target } from '../../table/backfill-target.ts';
import type { Finding } from './finding.ts';

const SAMPLED_ROWS = 500;
/** Of rows that cannot be read. */
const SHOWN_KEYS = 5;
/** As many may be bad by chance. */
const FEW_ROWS = 20;
/** Of one text; what is longer counts as this long. */
const MAX_CHARACTERS = 100_000;
/** Share of cut texts from which on it is a warning. */
const WARN_SHARE = 0.05;

const CONSEQUENCE = {
  truncate: 'would be cut',
  'mean-of-chunks': 'would be read in chunks',
  chunks: 'would have a vector for each passage',
  skip: 'would be left without a vector',
  fail: 'would be quarantined',
} as const;

/** Whether texts can be read, and how long they are. */
export async function checkTexts(
  pool: Pool,
  target: Target,
  settings: Settings,
  embedder: Embedder,
): Promise<Finding[]> {
  const sample = await drawTexts(pool, target, { rows: SAMPLED_ROWS, characters: MAX_CHARACTERS });
  const isAscii = await knowsNoEncoding(pool);
  return [
    ...(isAscii ? [encodingFinding(target)] : []),
    ...unreadableFinding(sample, settings, isAscii),
    ...(await checkTextLengths(
      sample.texts.map(({ text }) => text),
      settings,
      embedder,
    )),
  ];
}

/** Nothing for a model that does not tell its tokens, and for a table without text. */
async function checkTextLengths(
  texts: readonly string[],
  settings: Settings,
  embedder: Embedder,
): Promise<Finding[]> {
  const { maxTokens } = embedder;
  if (embedder.countTokens === undefined || maxTokens === undefined || texts.length === 0) return [];
  const tokens = (await embedder.countTokens(texts)).sort();
  const at = (share: number): number => tokens[Math.ceil(share * tokens.length) - 1] ?? 0;
  const longer = tokens.filter((count) => count > maxTokens).length / tokens.length;
  const mode = settings.model.longText;
  const isLoss = mode !== 'mean-of-chunks' && mode !== 'chunks' && longer > WARN_SHARE;
  const percent = `${(100 * longer).toFixed(1)} %`;
  return [
    {
      level: isLoss ? 'warn' : 'ok',
      check: 'text-length',
      message: `tokens of ${tokens.length} sampled texts: median ${at(0.5)}, 90 % up to ${at(0.9)}, 99 % up to ${at(0.99)}, most ${at(1)}; ${percent} are longer than the ${maxTokens} that the model reads and ${CONSEQUENCE[mode]} (model.longText: ${mode})`,
      ...(isLoss
        ? {
            remedy: `Set ${optionName('model.longText')} to chunks (a vector for each passage, with ${optionName('store')} table) or mean-of-chunks, raise ${optionName('model.maxTokens')} where the model can read more, or take the loss.`,
            option: 'model.longText',
          }
        : {}),
      measurements: {
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

/** @param text SQL of a text whose bytes are LATIN1 */
const fromLatin1 = (text: string): string =>
  `convert_from(convert(convert_to(${text}, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'SQL_ASCII')`;

const encodingFinding = ({ table }: Target): Finding => ({
  level: 'warn',
  check: 'encoding',
  message:
    'the database is SQL_ASCII: the server does not check the bytes of a text. Rows whose text is not valid UTF-8 are quarantined by their key, the others are embedded',
  remedy: `Correct such rows, which \`pgvector-backfill status\` lists; where their bytes are LATIN1: UPDATE ${table} SET body = ${fromLatin1('body')} WHERE its key is one of them. Or move to a database with an encoding.`,
});

function unreadableFinding(
  { texts, unreadable }: TextSample,
  { text }: Settings,
  isAscii: boolean,
): Finding[] {
  const [first] = unreadable;
  if (first === undefined) return [];
  const shown = unreadable.slice(0, SHOWN_KEYS).map(({ key }) => key);
  const sampled = texts.length + unreadable.length;
  // Of columns: an expression may be what makes bytes of them that are no text.
  const ofBytes = Array.isArray(text) && unreadable.every(({ error }) => isOfBytes(error));
  const isNone = texts.length === 0 && sampled > (ofBytes ? FEW_ROWS : 1);
  const correct = 'Correct these rows, and they are embedded; the others are at once.';
  const convert =
    isAscii && Array.isArray(text)
      ? ` Where all bytes are of one encoding, such as LATIN1, take them by an expression: set ${optionName('text')} to ${JSON.stringify({ sql: `concat_ws(chr(10), ${text.map((column) => fromLatin1(quoteName(column))).join(', ')})` })}.`
      : '';
  return [
    {
      // Of none of them: that is the expression, or the encoding, and no row.
      level: isNone ? 'error' : 'warn',
      check: 'text-read',
      message: `the text of ${unreadable.length} of ${sampled} sampled rows cannot be read and they would be quarantined: key ${shown.join(', ')}${unreadable.length > shown.length ? ', …' : ''} (${messageOf(first.error)})`,
      remedy: ofBytes
        ? `${correct}${convert}`
        : `Correct these rows, or ${optionName('text')} or ${optionName('where')}, so that it does not raise on them: for instance by a CASE around a cast.`,
      option: 'text',
      measurements: { unreadable: unreadable.length, sampled },
    },
  ];
}
