/** The progress page, whole as the server makes it; a script of its own only keeps it up to date. */

import { html } from 'hono/html';
import type { ListedEvent } from '../../ledger/event/event.ts';
import { progressOf } from '../../ledger/progress/generation-progress.ts';
import { count, duration, percent } from '../../observability/format.ts';
import type { FeedView, GenerationView } from '../feed/progress-feed.ts';
import { indexSection, loadSection, readsSection, spaceSection } from './health-sections.ts';
import { modelSection } from './model-section.ts';
import { NOTHING, facts, layout, moment, partId, table, type Markup } from './layout.ts';
import { watchSection } from './watch-section.ts';
import {
  actionsSection,
  button,
  coverageSection,
  inProgressSection,
  rateSection,
  stateSection,
  type ActionForm,
} from './run-sections.ts';

function quarantineSection({ snapshot, quarantined }: GenerationView, form: ActionForm): Markup {
  const all = snapshot.rows.quarantined;
  return html`<section id="${partId('quarantine', snapshot)}" class="wide">
    <h2>Quarantined rows <b>${count(Math.max(all, quarantined.length))}</b></h2>
    ${
      quarantined.length === 0
        ? html`<p class="quiet">None.</p>`
        : html`${quarantined.length < all ? html`<p class="quiet">The last ${quarantined.length}:</p>` : NOTHING}
            ${table(
              'Quarantined rows',
              ['Key', 'Reason', 'Attempts', 'At (UTC)'],
              quarantined.map(({ key, reason, attempts, at }) => [key, reason, count(attempts), moment(at)]),
            )}
            <div class="buttons">${button('retry-quarantined', 'Retry quarantined rows', form)}</div>`
    }
  </section>`;
}

const LISTED_EVENTS = 50;
const isOfThrottle = ({ kind }: ListedEvent): boolean => kind === 'throttle.hold' || kind === 'throttle.go';

/** A signal about its threshold comes and goes every few seconds for hours: that is one line, not all of them. */
export function withoutFlapping(events: readonly ListedEvent[]): (ListedEvent & { more: number })[] {
  const shown: (ListedEvent & { more: number })[] = [];
  for (const event of events) {
    const last = shown.at(-1);
    if (last !== undefined && isOfThrottle(event) && isOfThrottle(last)) last.more++;
    else shown.push({ ...event, more: 0 });
  }
  return shown.slice(0, LISTED_EVENTS);
}

function eventsSection({ snapshot, events }: GenerationView): Markup {
  return html`<section id="${partId('events', snapshot)}" class="wide">
    <h2>Events</h2>
    ${
      events.length === 0
        ? html`<p class="quiet">None yet.</p>`
        : table(
            'Events',
            ['At (UTC)', 'Level', 'Kind', 'What'],
            withoutFlapping(events).map(({ at, level, kind, message, more }) => [
              moment(at),
              html`<span class="badge ${level}">${level}</span>`,
              kind,
              more === 0 ? message : html`${message} <small>and ${more} holds and releases before it</small>`,
            ]),
          )
    }
  </section>`;
}

/** Always there, so that a live page can fill it. */
const outageSection = ({ queue }: FeedView): Markup =>
  html`<section id="outage" class="wide" role="alert" ${queue === null ? html`hidden` : NOTHING}>
    <p>${queue ?? ''}</p>
  </section>`;

/** What tells it from the others, where there are others, or were. */
function generationSection(view: GenerationView): Markup {
  const { generation, model, dimensions, column, reads, coverage, sync, index, verification } =
    progressOf(view);
  return html`<section id="generation-${generation}" class="wide">
    <h2>
      Generation ${generation}
      <b class="${reads === 'live' ? 'good' : ''}">${reads === null ? 'no reads' : reads}</b>
    </h2>
    ${facts([
      ['Model', model === null ? '-' : `${model}, ${dimensions} dimensions`],
      ['Column', column ?? '-'],
      ['Coverage', percent(coverage)],
      ['Sync lag', `${duration(sync.lagSeconds)}, ${count(sync.pending)} changes`],
      ['Index', index.valid ? 'valid' : (index.phase ?? 'not built yet')],
      [
        'Verified',
        verification === null
          ? 'not yet'
          : html`${verification.passed ? 'passed' : `did not pass: ${verification.failed.join(', ')}`}
            ${moment(verification.at)}`,
      ],
    ])}
  </section>`;
}

function generationParts(view: GenerationView, csrf: string, isOnly: boolean): Markup {
  const { snapshot } = view;
  const { generation } = snapshot;
  const form: ActionForm = { csrf, generation, named: !isOnly };
  return html`<div class="generation" data-generation="${generation}">
    ${isOnly ? NOTHING : generationSection(view)}
    <div class="head">${stateSection(snapshot)} ${actionsSection(snapshot, form)}</div>
    ${coverageSection(snapshot)}
    <div class="column">
      ${rateSection(view)} ${indexSection(snapshot)} ${watchSection(view)} ${modelSection(view)}
    </div>
    <div class="column">${loadSection(snapshot)} ${readsSection(snapshot)} ${spaceSection(snapshot)}</div>
    ${inProgressSection(snapshot)} ${quarantineSection(view, form)} ${eventsSection(view)}
  </div>`;
}

/** The parts that a live page replaces: of each generation by itself, the one that verbs mean first. */
export function progressSections(view: FeedView, csrf: string): Markup {
  const { generations, snapshot } = view;
  const isOnly = generations.length === 1 && snapshot.generation === 1;
  const others = generations.filter((each) => each.snapshot.generation !== snapshot.generation);
  return html`${outageSection(view)}
    <div id="generations">${[view, ...others].map((each) => generationParts(each, csrf, isOnly))}</div>`;
}

export function progressPage(view: FeedView, csrf: string, notice: string | null): Markup {
  const { backfill, state } = view.snapshot;
  return layout({
    title: `${backfill}: ${state}`,
    heading: backfill,
    here: '/',
    live: true,
    body: html`${notice === null ? NOTHING : html`<p class="notice" role="status">${notice}</p>`}
    ${progressSections(view, csrf)}`,
  });
}
