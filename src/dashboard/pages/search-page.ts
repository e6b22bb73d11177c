/** The search page: legacy and vector answers side by side. */

import { html } from 'hono/html';
import { judgeButtons, type Judging } from './relevance-page.ts';
import { NOTHING, keyNumbers, layout, type Markup } from './layout.ts';
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

const NAMES = { legacy: 'Legacy search', vector: 'Vector search' } as const;
type Side = keyof typeof NAMES;

/** How the rows are got at: the first scan of the plan, without its figures. */
export const accessOf = (plan: string): string | null =>
  /(?:Parallel )?(?:Index Only|Index|Bitmap Index|Seq|Function|CTE) Scan[^\n(]*/.exec(plan)?.[0].trim() ??
  null;

function hitLine(
  { key, title, distance }: SearchAnswer[Side][number],
  rank: number,
  other: Side,
  buttons: Markup,
): Markup {
  const also = `${other === 'legacy' ? 'legacy' : 'vector'} rank ${rank}`;
  return html`<li>
    <p><code>${key}</code> ${title}</p>
    <div class="meta">
      ${rank > 0 ? html`<span class="both">${also}</span>` : html`<span>here only</span>`}
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

function side(answer: SearchAnswer, which: Side, buttons: (key: string) => Markup): Markup {
  const hits = answer[which];
  const other = which === 'legacy' ? 'vector' : 'legacy';
  const others = answer[other].map(({ key }) => key);
  const { sql, plan } = answer.sql[which];
  const access = accessOf(plan);
  return html`<section id="${which}">
    <h2>${NAMES[which]} <b>${hits.length} ${hits.length === 1 ? 'hit' : 'hits'}</b></h2>
    ${access === null ? NOTHING : html`<p class="quiet">${access}</p>`}
    ${which === 'legacy' ? filterNote(answer.legacyFilteredOf) : NOTHING}
    ${
      which === 'legacy' && answer.legacyFault !== null
        ? html`<p class="quiet">The legacy search does not run for this query: ${answer.legacyFault}.</p>`
        : NOTHING
    }
    ${hits.length === 0 ? html`<p>Nothing found.</p>` : NOTHING}
    <ol class="hits">
      ${hits.map((hit) => hitLine(hit, others.indexOf(hit.key) + 1, other, buttons(hit.key)))}
    </ol>
    <details>
      <summary>SQL</summary>
      <pre class="sql" tabindex="0">${sql}</pre>
    </details>
    <details>
      <summary>Plan</summary>
      <pre tabindex="0">${plan}</pre>
    </details>
  </section>`;
}

function summary(answer: SearchAnswer): Markup {
  const { overlap, legacy, vector, legacyMs, vectorMs, embeddingMs } = answer;
  return html`<section class="wide" aria-label="Both searches in figures">
    ${keyNumbers([
      ['In both answers', String(overlap), `of ${legacy.length} legacy and ${vector.length} vector hits`],
      ['Legacy search', `${legacyMs.toFixed(1)} ms`, 'in the database'],
      [
        'Vector search',
        `${(vectorMs + embeddingMs).toFixed(1)} ms`,
        `${vectorMs.toFixed(1)} in the database, ${embeddingMs.toFixed(1)} for the model`,
      ],
    ])}
  </section>`;
}

function answered(answer: SearchAnswer, { judging, query }: SearchPageInput): Markup {
  const buttons = (key: string): Markup =>
    judging === null ? NOTHING : judgeButtons(judging, query.text, query.k, key);
  return html`${summary(answer)}
  ${judging === null ? NOTHING : html`<p id="judging" class="quiet wide" role="status"></p>`}
  ${side(answer, 'legacy', buttons)} ${side(answer, 'vector', buttons)}`;
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
