/** The run itself: state, what the operator may do, coverage, rate, batches. */

import { html } from 'hono/html';
import type { ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import { adoptedWords } from '../../ledger/run/adoption-words.ts';
import { OPEN_STATES } from '../../ledger/run/run.ts';
import { STILL_SECONDS } from '../../ledger/progress/stalled-run.ts';
import { count, duration, percent } from '../../observability/format.ts';
import { coverageBar } from './coverage-bar.ts';
import type { GenerationView } from '../feed/progress-feed.ts';
import { NOTHING, facts, keyNumbers, partId, table, type Markup } from './layout.ts';
import { ratePlots } from './rate-plots.ts';
import type { ActionName } from '../actions.ts';
import { CSRF_FIELD } from '../access/same-origin.ts';

export function stateSection(snapshot: ProgressSnapshot): Markup {
  const { state, reason, run, model, stall } = snapshot;
  return html`<section id="${partId('state', snapshot)}">
    <p class="state">
      <strong class="badge ${state}">${state}</strong
      >${reason === '' ? NOTHING : html` <span>${reason}</span>`}
    </p>
    ${
      stall === null
        ? NOTHING
        : html`<p><strong class="badge hold">waits</strong> <span>${stall.reason}</span></p>`
    }
    ${
      run === null
        ? NOTHING
        : html`<p class="quiet">
            Run ${run}${model === null ? '' : `, ${model.name}, ${model.dimensions} dimensions`}
          </p>`
    }
  </section>`;
}

/** Where its form is: the token, and the generation that it is about where there are several. */
export interface ActionForm {
  csrf: string;
  generation: number;
  /** Whether the form names the generation. */
  named: boolean;
}

export function button(action: ActionName, label: string, form: ActionForm, off = false): Markup {
  const { csrf, generation, named } = form;
  return html`<form method="post" action="actions/${action}">
    <input type="hidden" name="${CSRF_FIELD}" value="${csrf}" />
    ${named ? html`<input type="hidden" name="generation" value="${generation}" />` : NOTHING}
    <button id="${partId(action, form)}" ${off ? html`disabled` : NOTHING}>${label}</button>
  </form>`;
}

export function actionsSection({ state, run, batches }: ProgressSnapshot, form: ActionForm): Markup {
  const label = form.named ? `Actions of generation ${form.generation}` : 'Actions';
  return html`<section id="${partId('actions', form)}" aria-label="${label}">
    <div class="buttons">
      ${button('pause', 'Pause', form, !OPEN_STATES.some((each) => each === state))}
      ${button('resume', 'Resume', form, state !== 'paused' && state !== 'failed')}
      ${button('retry', `Retry failed batches (${count(batches.failed)})`, form, run === null || batches.failed === 0)}
    </div>
  </section>`;
}

/** Below it, a clock time says no more than the seconds left. */
const MIN_SECONDS_FOR_CLOCK = 120;

/** `about 18:24 UTC`; with the day where it is not today's. To the minute, so that it does not jump at each look. */
export function doneAbout(etaSeconds: number | null, now: Date): string {
  if (etaSeconds === null || etaSeconds < MIN_SECONDS_FOR_CLOCK) return '';
  const then = new Date(now.getTime() + etaSeconds * 1000).toISOString();
  const [day, time] = [then.slice(0, 10), then.slice(11, 16)];
  return `about ${day === now.toISOString().slice(0, 10) ? '' : `${day} `}${time} UTC`;
}

/** What there is no figure for is said in words: nothing moves while a run is paused, and the rows' time is over before the index is there. */
function paceWords({ state, rowsPerSecond, etaSeconds, index, stall, idleSeconds }: ProgressSnapshot): {
  rate: string;
  left: string;
  note: string;
} {
  const isHalted = state === 'paused' || state === 'failed';
  const isStill = isHalted || stall !== null || (idleSeconds ?? 0) >= STILL_SECONDS;
  const still = isHalted ? state : 'nothing moves';
  const rate =
    rowsPerSecond === null ? (isStill ? still : 'not measured yet') : count(Math.round(rowsPerSecond));
  if (state === 'finalizing' && !index.valid && etaSeconds === 0) {
    const seconds = index.forecast?.seconds ?? null;
    return { rate, left: 'index build', note: seconds === null ? '' : `forecast: ${duration(seconds)}` };
  }
  const left =
    etaSeconds === null
      ? isStill
        ? still
        : 'not known yet'
      : etaSeconds === 0
        ? 'none'
        : duration(etaSeconds);
  return { rate, left, note: doneAbout(etaSeconds, new Date()) };
}

export function coverageSection(snapshot: ProgressSnapshot): Markup {
  const { rows, coverage, adoption } = snapshot;
  const { rate, left, note } = paceWords(snapshot);
  return html`<section id="${partId('coverage', snapshot)}">
    <h2 class="unseen">Coverage</h2>
    ${keyNumbers([
      ['Coverage', percent(coverage), 'of the rows with text'],
      ['Rows left', count(rows.pending + rows.stale)],
      ['Rows a second', rate],
      ['Time left', left, note],
    ])}
    ${coverageBar(snapshot)}
    <p class="quiet">
      Of ${count(rows.eligible)}
      rows${rows.truncated === 0 ? '' : `; of ${count(rows.truncated)} embedded only the beginning was read`}${
        rows.passages === 0 ? '' : `; ${count(rows.passages)} passages have a vector`
      }
    </p>
    ${adoption === null ? NOTHING : html`<p class="quiet">${adoptedWords(rows.adopted, adoption)}</p>`}
  </section>`;
}

export function rateSection({ snapshot, samples }: GenerationView): Markup {
  const { batches, longestStatementMs } = snapshot;
  return html`<section id="${partId('rate', snapshot)}">
    <h2>Rate</h2>
    ${samples.length < 2 ? html`<p class="quiet">Nothing is measured yet.</p>` : ratePlots(samples)}
    <h3>Batches</h3>
    ${facts([
      ['merged', count(batches.merged)],
      ['staged', count(batches.staged)],
      ['pending', count(batches.pending)],
      ['failed', count(batches.failed)],
      ['tried again', count(batches.retries)],
      ['longest merge', longestStatementMs === null ? '-' : `${count(Math.round(longestStatementMs))} ms`],
    ])}
  </section>`;
}

const counted = (many: number, one: string, more: string): string =>
  `${count(many)} ${many === 1 ? one : more}`;

/** Which worker has which batch: a worker that is gone shows as a batch that gets old. */
export function inProgressSection(snapshot: ProgressSnapshot): Markup {
  const { inProgress } = snapshot;
  const workers = new Set(inProgress.map(({ worker }) => worker)).size;
  return html`<section id="${partId('in-hand', snapshot)}" class="wide">
    <h2>
      Batches in progress
      <b
        >${inProgress.length === 0 ? '0' : `${counted(inProgress.length, 'batch', 'batches')}, ${counted(workers, 'worker', 'workers')}`}</b
      >
    </h2>
    ${
      inProgress.length === 0
        ? html`<p class="quiet">None.</p>`
        : table(
            'Batches in progress',
            ['Worker', 'Batch', 'Keys from', 'to before', 'Rows', 'State', 'Attempt', 'For'],
            inProgress.map(({ worker, number, lower, upper, rows, state, attempts, seconds }) => [
              worker ?? '-',
              String(number),
              lower ?? '(open)',
              upper ?? '(open)',
              count(rows),
              state,
              String(attempts),
              duration(seconds),
            ]),
          )
    }
  </section>`;
}
