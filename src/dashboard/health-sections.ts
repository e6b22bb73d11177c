/** What goes on around the run: the database's health, sync, the index, and by which search is read. */

import { html } from 'hono/html';
import type { ProgressSnapshot } from '../ledger/progress.ts';
import { showReadChoice } from '../ledger/read-mode.ts';
import type { SignalState } from '../ledger/throttle.ts';
import { bytes, count, duration, percent } from '../observability/format.ts';
import { NOTHING, facts, moment, table, type Markup } from './layout.ts';

/** Units that say nothing beside the name. */
const BARE = new Set(['number', 'level', 'sessions', 'files']);

function inUnit(value: number | null, unit: string): string {
  if (value === null) return '-';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'share') return percent(value);
  const figure = Number(value.toPrecision(3)).toLocaleString('en-US');
  return BARE.has(unit) ? figure : `${figure} ${unit}`;
}

const signalRow = ({ name, value, unit, hold, stop, state }: SignalState): (Markup | string)[] => [
  name,
  html`<span class="badge ${state}">${state}</span>`,
  inUnit(value, unit),
  inUnit(hold, unit),
  inUnit(stop, unit),
];

export function loadSection({ throttle, sync }: ProgressSnapshot): Markup {
  const { state, reason, signals, ageSeconds } = throttle;
  const notes = signals.filter(({ note }) => note !== undefined && note !== '');
  const age = sync.oldestSeconds === null ? '' : `, the oldest ${duration(sync.oldestSeconds)} old`;
  return html`<section id="load">
    <h2>Load</h2>
    <p>
      <strong class="badge ${state}">${state}</strong> ${reason === '' ? 'nothing holds' : reason}
      <span class="quiet">${ageSeconds === null ? 'not looked at yet' : `${duration(ageSeconds)} ago`}</span>
    </p>
    ${
      signals.length === 0
        ? NOTHING
        : table(
            'Throttle signals',
            ['Signal', 'State', 'Value', 'Holds at', 'Stops at'],
            signals.map(signalRow),
          )
    }
    ${notes.map(({ name, note }) => html`<p class="quiet">${name}: ${note}</p>`)}
    <h3>Sync</h3>
    <p>
      ${sync.mode}, ${count(sync.pending)} changes to do${age}${sync.reason === '' ? '' : `: ${sync.reason}`}
    </p>
  </section>`;
}

interface IndexFigures {
  sizeBytes?: number | null;
  memoryBytes?: number | null;
  walBytes?: number | null;
  seconds?: number | null;
}

/** Figures of a build and who stands in its way, as far as the snapshot has them. */
interface MoreOfIndex {
  forecast?: IndexFigures | null;
  actual?: IndexFigures | null;
  blockers?: readonly unknown[] | null;
}

const show = <T>(value: T | null | undefined, words: (value: T) => string): string =>
  value == null ? '-' : words(value);

function figuresTable({ forecast, actual }: MoreOfIndex): Markup {
  if (forecast == null && actual == null) return NOTHING;
  const row = (name: string, field: keyof IndexFigures, words: (value: number) => string): string[] => [
    name,
    show(forecast?.[field], words),
    show(actual?.[field], words),
  ];
  return table(
    'Index build, foretold and measured',
    ['', 'Forecast', 'Measured'],
    [
      row('Size', 'sizeBytes', bytes),
      row('Memory', 'memoryBytes', bytes),
      row('WAL', 'walBytes', bytes),
      row('Time', 'seconds', duration),
    ],
  );
}

/** Statements of other sessions may hold values: names and figures alone are shown. */
function blockerWords(blocker: unknown): string {
  if (typeof blocker !== 'object' || blocker === null) return String(blocker);
  return Object.entries(blocker)
    .filter(
      ([name, value]) => !/query|statement|sql/i.test(name) && ['string', 'number'].includes(typeof value),
    )
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

export function indexSection({ index }: ProgressSnapshot): Markup {
  const more: ProgressSnapshot['index'] & MoreOfIndex = index;
  const blockers = more.blockers ?? [];
  const phase = index.valid
    ? 'valid'
    : (index.phase ?? (index.name === null ? 'not built yet' : 'not valid'));
  return html`<section id="index">
    <h2>Index</h2>
    ${facts([
      ['Index', index.name === null ? '-' : `${index.name} (${index.method ?? ''})`],
      [
        'Phase',
        index.progress === null || index.valid
          ? phase
          : html`${phase}, ${percent(index.progress)}
              <progress max="1" value="${index.progress}" aria-label="Index build"></progress>`,
      ],
    ])}
    ${
      blockers.length === 0
        ? NOTHING
        : html`<p>Waits for:</p>
            <ul>
              ${blockers.map((each) => html`<li>${blockerWords(each)}</li>`)}
            </ul>`
    }
    ${figuresTable(more)}
  </section>`;
}

export function readsSection({ readMode, shadow, canary }: ProgressSnapshot): Markup {
  const { since, by } = readMode;
  const ms = ({ p50, p95 }: { p50: number | null; p95: number | null }): string =>
    p50 === null || p95 === null ? '-' : `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;
  const asked = shadow.searches + shadow.errors + shadow.timeouts + shadow.skipped;
  return html`<section id="reads">
    <h2>Reads</h2>
    <p>
      <strong class="badge">${showReadChoice(readMode)}</strong>
      <span class="quiet"
        >${since === null ? '' : html`since ${moment(since)} UTC`}${by === null ? '' : ` by ${by}`}</span
      >
    </p>
    ${
      asked === 0
        ? html`<p class="quiet">No shadow reads were counted.</p>`
        : facts([
            ['Shadow reads', `${count(shadow.searches)} compared`],
            [
              'Not compared',
              `${count(shadow.errors)} errors, ${count(shadow.timeouts)} timeouts, ${count(shadow.skipped)} skipped`,
            ],
            ['Overlap', show(shadow.overlap, percent)],
            ['Rank correlation', show(shadow.rankCorrelation, (value) => value.toFixed(3))],
            ['Legacy p50 / p95', ms(shadow.legacyMs)],
            ['Vector p50 / p95', ms(shadow.vectorMs)],
          ])
    }
    ${
      canary.vector + canary.legacy === 0
        ? NOTHING
        : html`<p>
            Canary: ${count(canary.vector)} answered by vectors, ${count(canary.legacy)} by the legacy search,
            ${count(canary.errors)} of them for an error
          </p>`
    }
  </section>`;
}
