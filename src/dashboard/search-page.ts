/** The search page: legacy and vector answers side by side. */

import { html } from 'hono/html';
import { judgeButtons, type Judging } from './judge.ts';
import { NOTHING, layout, type Markup } from './layout.ts';
import type { SearchAnswer, SearchQuestion, SearchResult } from './search.ts';

export interface SearchPageInput {
  backfill: string;
  /** Names of the filters that may be chosen. */
  filters: readonly string[];
  question: SearchQuestion;
  /** Null before a query is asked. */
  result: SearchResult | null;
  texts: boolean;
  /** Null where clicks are not taken. */
  judging: Judging | null;
}

export const MOST_HITS = 100;

function searchForm({ filters, question }: SearchPageInput): Markup {
  const { text, k, filter } = question;
  const choice = (value: string, name: string): Markup =>
    html`<option value="${value}" ${value === filter ? html`selected` : NOTHING}>${name}</option>`;
  return html`<section class="wide">
    <form class="search" method="get" action="/search" role="search">
      <label class="query">Query<input name="q" value="${text}" maxlength="1000" required /></label>
      <label>Hits<input name="k" type="number" min="1" max="${MOST_HITS}" value="${k}" /></label>
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

function side(
  answer: SearchAnswer,
  which: 'legacy' | 'vector',
  time: string,
  buttons: (key: string) => Markup,
): Markup {
  const hits = answer[which];
  const others = answer[which === 'legacy' ? 'vector' : 'legacy'].map(({ key }) => key);
  const { sql, plan } = answer.sql[which];
  return html`<section id="${which}">
    <h2>${which} <b>${hits.length} hits</b></h2>
    <p class="quiet">${time}</p>
    <ol class="hits">
      ${hits.map(({ key, title, distance }) => {
        const rank = others.indexOf(key) + 1;
        return html`<li>
          <code>${key}</code> ${title}
          <small class="${rank > 0 ? 'both' : 'quiet'}"
            >${rank > 0 ? `other rank ${rank}` : 'here only'}${distance === null ? '' : `, distance ${distance.toFixed(4)}`}</small
          >${buttons(key)}
        </li>`;
      })}
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

function answered(answer: SearchAnswer, { judging, question }: SearchPageInput): Markup {
  const buttons = (key: string): Markup =>
    judging === null ? NOTHING : judgeButtons(judging, question.text, question.k, key);
  const { overlap, legacy, vector, legacyMs, vectorMs, embeddingMs } = answer;
  return html`<p class="notice">
      ${overlap} in both, of ${legacy.length} by the legacy search and ${vector.length} by vectors
    </p>
    ${judging === null ? NOTHING : html`<p id="judging" class="quiet wide" role="status"></p>`}
    ${side(answer, 'legacy', `${legacyMs.toFixed(1)} ms`, buttons)}
    ${side(answer, 'vector', `${vectorMs.toFixed(1)} ms, and ${embeddingMs.toFixed(1)} ms for the model`, buttons)}`;
}

export function searchPage(input: SearchPageInput): Markup {
  const { backfill, result, texts } = input;
  return layout({
    title: `${backfill}: search`,
    heading: backfill,
    here: '/search',
    live: false,
    ...(input.judging === null ? {} : { script: 'judge.js' as const }),
    body: html`${searchForm(input)}
    ${
      texts
        ? NOTHING
        : html`<p class="quiet wide">
            Keys and distances only: texts are shown where <code>dashboard.user</code> and
            <code>dashboard.password</code> are set.
          </p>`
    }
    ${
      result === null
        ? NOTHING
        : 'trouble' in result
          ? html`<p class="notice" role="alert">${result.trouble}</p>`
          : answered(result.answer, input)
    }`,
  });
}
