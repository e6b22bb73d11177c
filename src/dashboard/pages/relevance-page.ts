/** Judging by eye: queries to look at, and a click for each answer, kept as judgements that `verify --judged` measures by. */

import { LEDGER_LIMITS, inReadOnly } from '../../db/transaction.ts';
import { canonicalKeys } from '../../table/canonical-keys.ts';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Settings } from '../../config/settings.ts';
import type { Pool } from '../../db/pool.ts';
import type { Config } from '../../config/load.ts';
import { parseGenerationName } from '../../config/values/generation-name.ts';
import { configOf } from '../../ledger/generation/choose.ts';
import { presentGenerations } from '../../ledger/generation/generation.ts';
import { latestRun } from '../../ledger/run/run.ts';
import { followScope } from '../../ledger/run/scope.ts';
import {
  GRADES,
  gradesOf,
  judgedQueries,
  saveJudgement,
  type Grade,
  type JudgedQuery,
} from '../../ledger/verification/judgements.ts';
import { noteQuerySource } from '../../ledger/verification/judgement-source.ts';
import type { Query } from '../../relevance/query-file.ts';
import { describeTarget } from '../../ledger/backfill/describe-target.ts';
import { chooseQueries } from '../../verify/queries/query-source.ts';
import { sampleRows } from '../../verify/queries/sampled-rows.ts';
import { NOTHING, layout, table, type Markup } from './layout.ts';
import { CSRF_FIELD } from '../access/same-origin.ts';

/** What one look at a query knows of its judgements; null where clicks are not taken (with a filter). */
export interface Judging {
  csrf: string;
  grades: ReadonlyMap<string, Grade>;
  /** Key of the row that the query is the first line of; empty where it was typed. */
  from: string;
}

const WORDS: Record<Grade, string> = { 2: 'relevant', 1: 'partly', 0: 'not' };

/** Buttons of one answer: each saves at once, and again takes back. */
export function judgeButtons({ csrf, grades, from }: Judging, query: string, k: number, key: string): Markup {
  const present = grades.get(key);
  return html`<form class="judge" method="post" action="judge">
    <input type="hidden" name="${CSRF_FIELD}" value="${csrf}" />
    <input type="hidden" name="q" value="${query}" /><input type="hidden" name="k" value="${k}" />
    <input type="hidden" name="key" value="${key}" /><input type="hidden" name="from" value="${from}" />
    ${GRADES.toReversed().map(
      (grade) =>
        html`<button
          name="grade"
          value="${grade === present ? '' : String(grade)}"
          data-grade="${grade}"
          aria-pressed="${grade === present ? 'true' : 'false'}"
          aria-label="${WORDS[grade]}: row ${key}"
        >
          ${WORDS[grade]}
        </button>`,
    )}
  </form>`;
}

export interface JudgeInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  csrf: string;
}

const MAX_LISTED = 200;
const SAMPLED = 20;

export async function judging(
  { pool, backfill, csrf }: JudgeInput,
  query: string,
  filter: string,
  from: string,
): Promise<Judging | null> {
  if (filter !== '' || query === '') return null;
  const grades = await gradesOf(pool, backfill, query);
  return grades === null ? null : { csrf, from, grades };
}

/** Of the generation that the verbs mean without a flag: its options, and its name in the ledger. */
const usualConfig = ({ pool, backfill, settings }: JudgeInput): Promise<Config> =>
  configOf(pool, { backfill, settings, file: null }, null);

/** Longer than any index takes, several columns and their quotes included. */
const MAX_KEY_CHARACTERS = 20_000;

/** As the server writes it; null where it is none of such a table. Whether there is a row counts for nothing. */
async function keyOf(input: JudgeInput, key: string): Promise<string | null> {
  if (key.length > MAX_KEY_CHARACTERS) return null;
  const { pool } = input;
  const { backfill, settings } = await usualConfig(input);
  const target = await describeTarget(pool, backfill, settings);
  const known = await inReadOnly(pool, LEDGER_LIMITS, (client) => canonicalKeys(client, target, [key]));
  return known.get(key) ?? null;
}

/** POST only, and behind `protectActions`. A script asks for no page and gets none. */
export function judgeRoutes(input: JudgeInput): Hono {
  const { pool, backfill } = input;
  const app = new Hono();
  app.post('/', async (context) => {
    const { q: query, k, key, grade: given, from } = await context.req.parseBody();
    const grade = given === '' ? null : GRADES.find((each) => String(each) === given);
    const isQuery = typeof query === 'string' && query !== '' && query.length <= 1000;
    if (!isQuery || typeof key !== 'string' || grade === undefined)
      return context.text('A judgement is a query, a key and a grade from 0 to 2.', 400);
    const known = await keyOf(input, key);
    if (known === null) return context.text('No row of the table can have that key.', 400);
    if ((await gradesOf(pool, backfill, query)) === null)
      return context.text('The encoding of the database cannot hold this query: it cannot be judged.', 400);
    await saveJudgement(pool, backfill, { query, key: known, grade });
    await noteQuerySource(pool, backfill, query, typeof from === 'string' && from !== '' ? from : null);
    if (context.req.header('accept') === 'application/json') return context.body(null, 204);
    const hits = typeof k === 'string' ? k : '10';
    return context.redirect(
      `search?${new URLSearchParams({ q: query, k: hits, ...(typeof from === 'string' ? { from } : {}) }).toString()}`,
      303,
    );
  });
  return app;
}

/** Queries to judge by: what was judged already, and first lines of rows, which are what somebody might look for. */
export async function judgePage(input: JudgeInput): Promise<Markup> {
  const { pool, backfill } = input;
  const own = await usualConfig(input);
  const generations = (await presentGenerations(pool, backfill)).map(({ generation }) => generation);
  const body = html`${generationNote(generations, parseGenerationName(own.backfill).generation)}
  ${judgedSection(await judgedQueries(pool, backfill, MAX_LISTED))}
  ${sampleSection(await sampledQueries(pool, own))}`;
  return layout({ title: `${backfill}: judge`, heading: backfill, here: '/judge', live: false, body });
}

/** Which one is measured by these judgements, where there is more than one. */
function generationNote(generations: readonly number[], usual: number): Markup {
  if (generations.length <= 1) return NOTHING;
  const others = generations.filter((each) => each !== usual);
  return html`<section id="generation" class="wide">
    <p>
      Judgements are of rows, whichever generation has found them: judge the answers of all.
      <code>pgvector-backfill verify --judged</code> measures generation ${usual},
      ${others.map((each) => html`<code>--judged --generation ${each}</code> generation ${each} against it`)}.
    </p>
  </section>`;
}

const link = (query: string, from = ''): Markup =>
  html`<a href="search?${new URLSearchParams({ q: query, from }).toString()}">${query}</a>`;

function judgedSection(judged: readonly JudgedQuery[]): Markup {
  const clicks = judged.reduce((sum, { judgements }) => sum + judgements, 0);
  return html`<section id="judged" class="wide">
    <h2>Judged <b>${judged.length} queries, ${clicks} answers</b></h2>
    ${
      judged.length === 0
        ? html`<p class="quiet">
            Search for something and press relevant, partly or not beside an answer; then
            <code>pgvector-backfill verify --judged</code> measures both searches by it.
          </p>`
        : table(
            'Judged queries',
            ['Query', 'Answers judged', 'Relevant'],
            judged.map(({ query, judgements, relevant }) => [
              link(query),
              String(judgements),
              String(relevant),
            ]),
          )
    }
  </section>`;
}

function sampleSection(queries: readonly Query[]): Markup {
  return html`<section id="samples" class="wide">
    <h2>To judge <b>first lines of rows</b></h2>
    ${
      queries.length === 0
        ? html`<p class="quiet">No row has a vector yet.</p>`
        : html`<ul class="queries">
            ${queries.map(({ id, text }) => html`<li>${link(text, id)}</li>`)}
          </ul>`
    }
  </section>`;
}

async function sampledQueries(pool: Pool, { backfill, settings: own }: Config): Promise<Query[]> {
  const run = await latestRun(pool, backfill);
  if (run === null) return [];
  const settings = followScope(run, own);
  const target = await describeTarget(pool, backfill, settings);
  const rows = await sampleRows(pool, target, run.rowsPlanned, SAMPLED);
  const { queries } = await chooseQueries({ pool, target, settings, read: {} }, null, rows);
  return queries;
}
