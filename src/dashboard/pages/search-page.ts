/** The search page: the answers of the legacy search and of each generation side by side. */

import { html } from 'hono/html';
import { judgeButtons, type Judging } from './relevance-page.ts';
import { NOTHING, keyNumbers, layout, type Markup } from './layout.ts';
import type { FoundPassage } from '../../search/queries/vector-query.ts';
import type { Hit } from '../../search/compare.ts';
import type { Explained } from '../../search/explain.ts';
import type { SearchAnswer, SearchQuery, SearchResult } from '../page-search.ts';

export interface SearchPageInput {
  backfill: string;
  /** Names of the filters that may be chosen. */
  filters: readonly string[];
  query: SearchQuery;
  /** Null before a query is asked. */
  result: SearchResult | null;
  /** Null where clicks are not taken. */
  judging: Judging | null;
}

export const MAX_HITS = 100;

function searchForm({ filters, query }: SearchPageInput): Markup {
  const { text, k, filter } = query;
  const choice = (value: string, name: string): Markup =>
    html`<option value="${value}" ${value === filter ? html`selected` : NOTHING}>${name}</option>`;
  return html`<section class="wide">
    <form class="search" method="get" action="search" role="search">
      <label class="query">Query<input name="q" value="${text}" maxlength="1000" required /></label>
      <label>Hits<input name="k" type="number" min="1" max="${MAX_HITS}" value="${k}" /></label>
      ${
        filters.length === 0
          ? NOTHING
          : html`<label
              >Filter<select name="filter">
                ${choice('', 'none')}${filters.map((name) => choice(name, name))}
              </select></label
            >`
      }
      <button>Search</button>
    </form>
  </section>`;
}

/** One of the answers that stand side by side. */
interface Side {
  id: string;
  name: string;
  /** Beside a hit of another one. */
  short: string;
  hits: readonly Hit[];
  explained: Explained;
  notes: Markup;
}

function sidesOf(answer: SearchAnswer): Side[] {
  const { legacy, vector, sql, generation, others = [] } = answer;
  const fault =
    answer.legacyFault === null
      ? NOTHING
      : html`<p class="quiet">The legacy search does not run for this query: ${answer.legacyFault}.</p>`;
  return [
    {
      id: 'legacy',
      name: 'Legacy search',
      short: 'legacy',
      hits: legacy,
      explained: sql.legacy,
      notes: html`${filterNote(answer.legacyFilteredOf)}${fault}`,
    },
    {
      id: 'vector',
      name: generation === undefined ? 'Vector search' : `Generation ${generation}`,
      short: generation === undefined ? 'vector' : `generation ${generation}`,
      hits: vector,
      explained: sql.vector,
      notes: NOTHING,
    },
    ...others.map((each) => ({
      id: `vector-${each.generation}`,
      name: `Generation ${each.generation}`,
      short: `generation ${each.generation}`,
      hits: 'vector' in each ? each.vector : [],
      explained: 'vector' in each ? each.sql : { sql: '', plan: '' },
      notes: 'trouble' in each ? html`<p class="notice" role="alert">${each.trouble}</p>` : NOTHING,
    })),
  ];
}

/** How the rows are got at: the first scan of the plan, without its figures. */
export const accessOf = (plan: string): string | null =>
  /(?:Parallel )?(?:Index Only|Index|Bitmap Index|Seq|Function|CTE) Scan[^\n(]*/.exec(plan)?.[0].trim() ??
  null;

/** Of a passage, below a hit. */
const PASSAGE_CHARACTERS = 300;

function passageLine({ number, text }: FoundPassage): Markup {
  const characters = Array.from(text ?? '');
  const isCut = characters.length > PASSAGE_CHARACTERS;
  return html`<p class="quiet">
    Passage ${number}: ${characters.slice(0, PASSAGE_CHARACTERS).join('')}${isCut ? ' …' : ''}
  </p>`;
}

function hitLine({ key, title, distance, passage }: Hit, others: readonly Side[], buttons: Markup): Markup {
  const also = others.flatMap(({ short, hits }) => {
    const rank = hits.findIndex((hit) => hit.key === key) + 1;
    return rank > 0 ? [html`<span class="both">${short} rank ${rank}</span>`] : [];
  });
  return html`<li>
    <p><code>${key}</code> ${title}</p>
    ${passage === undefined ? NOTHING : passageLine(passage)}
    <div class="meta">
      ${also.length > 0 ? also : html`<span>here only</span>`}
      ${distance === null ? NOTHING : html`<span>distance ${distance.toFixed(4)}</span>`} ${buttons}
    </div>
  </li>`;
}

/** Fewer hits than there are would speak for the other side without need. */
const filterNote = (filteredOf: number | null): Markup =>
  filteredOf === null
    ? NOTHING
    : html`<p class="quiet">
        The legacy SQL knows nothing of the filter: of its first ${filteredOf} keys those that meet it are
        shown. Give the filter a <code>legacySearch</code> of its own to see them all.
      </p>`;

function sideSection(side: Side, sides: readonly Side[], buttons: (key: string) => Markup): Markup {
  const { id, name, hits, explained, notes } = side;
  const others = sides.filter((each) => each !== side);
  const access = accessOf(explained.plan);
  return html`<section id="${id}">
    <h2>${name} <b>${hits.length} ${hits.length === 1 ? 'hit' : 'hits'}</b></h2>
    ${access === null ? NOTHING : html`<p class="quiet">${access}</p>`} ${notes}
    ${hits.length === 0 ? html`<p>Nothing found.</p>` : NOTHING}
    <ol class="hits">
      ${hits.map((hit) => hitLine(hit, others, buttons(hit.key)))}
    </ol>
    <details>
      <summary>SQL</summary>
      <pre class="sql" tabindex="0">${explained.sql}</pre>
    </details>
    <details>
      <summary>Plan</summary>
      <pre tabindex="0">${explained.plan}</pre>
    </details>
  </section>`;
}

const timesOf = (vectorMs: number, embeddingMs: number): [string, string] => [
  `${(vectorMs + embeddingMs).toFixed(1)} ms`,
  `${vectorMs.toFixed(1)} in the database, ${embeddingMs.toFixed(1)} for the model`,
];

function summary(answer: SearchAnswer): Markup {
  const { overlap, legacy, vector, legacyMs, vectorMs, embeddingMs, generation, others = [] } = answer;
  const keys = new Set(vector.map(({ key }) => key));
  return html`<section
    class="wide"
    aria-label="${generation === undefined ? 'Both' : 'All'} searches in figures"
  >
    ${keyNumbers([
      ['In both answers', String(overlap), `of ${legacy.length} legacy and ${vector.length} vector hits`],
      ['Legacy search', `${legacyMs.toFixed(1)} ms`, 'in the database'],
      [
        generation === undefined ? 'Vector search' : `Generation ${generation}`,
        ...timesOf(vectorMs, embeddingMs),
      ],
      ...others.flatMap((each): [string, string, string][] =>
        'trouble' in each
          ? []
          : [
              [`Generation ${each.generation}`, ...timesOf(each.vectorMs, each.embeddingMs)],
              [
                `In generations ${generation} and ${each.generation}`,
                String(each.vector.filter(({ key }) => keys.has(key)).length),
                `of ${vector.length} and ${each.vector.length} hits`,
              ],
            ],
      ),
    ])}
  </section>`;
}

function answered(answer: SearchAnswer, { judging, query }: SearchPageInput): Markup {
  const sides = sidesOf(answer);
  const buttons = (key: string): Markup =>
    judging === null ? NOTHING : judgeButtons(judging, query.text, query.k, key);
  return html`${summary(answer)}
  ${judging === null ? NOTHING : html`<p id="judging" class="quiet wide" role="status"></p>`}
  ${sides.map((each) => sideSection(each, sides, buttons))}`;
}

export function searchPage(input: SearchPageInput): Markup {
  const { backfill, result } = input;
  return layout({
    title: `${backfill}: search`,
    heading: backfill,
    here: '/search',
    live: false,
    ...(input.judging === null ? {} : { script: 'judge.js' as const }),
    body: html`${searchForm(input)}
    ${
      result === null
        ? NOTHING
        : 'trouble' in result
          ? html`<p class="notice" role="alert">${result.trouble}</p>`
          : answered(result.answer, input)
    }`,
  });
}
