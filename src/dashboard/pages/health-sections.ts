/** What goes on around the run: the database's health, sync, the index, and by which search is read. */

import { html } from 'hono/html';
import { buildMemory, buildTime, heapGrowth, timeLeft } from '../../finalize/forecast/wording.ts';
import { indexWords } from '../../ledger/progress/index-state.ts';
import type { ProgressSnapshot } from '../../ledger/progress/snapshot.ts';
import { nameOfBase, showPreference, showVotes } from '../../ledger/reads/interleaving-words.ts';
import { showReadChoice } from '../../ledger/reads/read-mode.ts';
import { triedNames } from '../../ledger/reads/tried-names.ts';
import type { SignalState } from '../../ledger/progress/throttle-state.ts';
import { bytes, count, duration, percent } from '../../observability/format.ts';
import { NOTHING, facts, moment, partId, table, type Markup } from './layout.ts';

/** Units that say nothing beside the name. */
const BARE = new Set(['number', 'level', 'sessions', 'files']);

function inUnit(value: number | null, unit: string): string {
  if (value === null) return '-';
  if (unit === 'bytes') return bytes(value);
  if (unit === 'bytes/s') return `${bytes(value)}/s`;
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

export function loadSection(snapshot: ProgressSnapshot): Markup {
  const { throttle, sync } = snapshot;
  const { state, reason, signals, ageSeconds } = throttle;
  const notes = signals.filter(({ note }) => note !== undefined && note !== '');
  const age = sync.oldestSeconds === null ? '' : `, the oldest ${duration(sync.oldestSeconds)} old`;
  return html`<section id="${partId('load', snapshot)}">
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

const show = <T>(value: T | null | undefined, words: (value: T) => string): string =>
  value == null ? '-' : words(value);

/** Nobody else's writes can be told apart from ours. */
const SERVER_WAL = 'WAL (of the whole server)';

function buildTable({ forecast, actual }: ProgressSnapshot['index']): Markup {
  if (forecast === null) return NOTHING;
  return table(
    'Index build, forecast and measured',
    ['', 'Forecast', 'Measured'],
    [
      ['Size', bytes(forecast.sizeBytes), show(actual?.sizeBytes, bytes)],
      ['Memory', bytes(forecast.memoryBytes), show(actual, buildMemory)],
      [SERVER_WAL, bytes(forecast.walBytes), show(actual?.walBytes, bytes)],
      ['Time', show(forecast.seconds, duration), show(actual, buildTime)],
    ],
  );
}

const REWRITTEN = [
  ['New row versions', 'heapBytes'],
  ['Out of line', 'toastBytes'],
  ['Other indexes, at most', 'otherIndexBytes'],
] as const;

/** What writing the vectors takes on disk. */
export function spaceSection(snapshot: ProgressSnapshot): Markup {
  const { forecast, actual } = snapshot.tableGrowth;
  const rows = (expected: NonNullable<typeof forecast>): string[][] =>
    (
      [
        ...(expected.tableBytes === undefined ? REWRITTEN : ([['Table of vectors', 'tableBytes']] as const)),
        ['Staging table', 'stageBytes'],
        [SERVER_WAL, 'walBytes'],
      ] as const
    ).map(([name, field]) => [
      name,
      field === 'heapBytes' ? heapGrowth(expected) : show(expected[field], bytes),
      show(actual?.[field], bytes),
    ]);
  return html`<section id="${partId('space', snapshot)}">
    <h2>Space</h2>
    ${
      forecast === null
        ? NOTHING
        : table('Growth of the table, forecast and measured', ['', 'Forecast', 'Measured'], rows(forecast))
    }
    ${
      actual === null
        ? html`<p class="quiet">Forecast when a run is planned, measured before its index is built.</p>`
        : NOTHING
    }
  </section>`;
}

export function indexSection(snapshot: ProgressSnapshot): Markup {
  const { index, rows } = snapshot;
  const { blockers, name, method, forecast } = index;
  const leftOut = rows.skipped + rows.quarantined;
  const phase = indexWords(index) ?? (name === null ? 'not built yet' : 'not valid');
  return html`<section id="${partId('index', snapshot)}">
    <h2>Index <b class="${index.valid ? 'good' : ''}">${phase}</b></h2>
    ${
      name === null
        ? html`<p class="quiet">It is built once enough rows are embedded.</p>`
        : html`<p>
            <code>${name}</code>
            <span class="quiet">${method}${forecast === null ? '' : ` on ${forecast.type}`}</span>
          </p>`
    }
    ${
      index.progress === null || phase === 'valid'
        ? NOTHING
        : html`<p>
            <progress max="1" value="${index.progress}" aria-label="Index build"></progress>${timeLeft(index)}
          </p>`
    }
    ${
      blockers.length === 0
        ? NOTHING
        : html`<p><strong class="badge hold">waits</strong> for sessions older than itself:</p>
            ${table(
              'Sessions that the index build waits for',
              ['Process', 'Application', 'State', 'For'],
              blockers.map(({ pid, application, state, ageSeconds }) => [
                pid === 0 ? 'prepared transaction' : String(pid),
                application,
                state,
                show(ageSeconds, duration),
              ]),
            )}`
    }
    ${buildTable(index)}
    ${
      name === null || leftOut === 0
        ? NOTHING
        : html`<p class="quiet">
            ${count(leftOut)} rows have no vector: they are in no index, and no vector search finds them.
          </p>`
    }
  </section>`;
}

const titled = (words: string): string => `${words[0]?.toUpperCase()}${words.slice(1)}`;

export function readsSection(snapshot: ProgressSnapshot): Markup {
  const { readMode, shadow, canary, interleaving, generation } = snapshot;
  const { base, own } = triedNames(readMode, generation);
  const { since, by } = readMode;
  const ms = ({ p50, p95 }: { p50: number | null; p95: number | null }): string =>
    p50 === null || p95 === null ? '-' : `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;
  const asked = shadow.searches + shadow.errors + shadow.timeouts + shadow.skipped;
  return html`<section id="${partId('reads', snapshot)}">
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
            [`${titled(base)} p50 / p95`, ms(shadow.legacyMs)],
            [`${titled(own)} p50 / p95`, ms(shadow.vectorMs)],
          ])
    }
    ${
      canary.vector + canary.legacy === 0
        ? NOTHING
        : html`<p>
            Canary: ${count(canary.vector)} answered by ${own === 'vector' ? 'vectors' : own},
            ${count(canary.legacy)} by ${base === 'legacy' ? 'the legacy search' : base},
            ${count(canary.errors)} of them for an error
          </p>`
    }
    ${interleaving.map((each) => {
      const name = each.against === 'legacy' ? 'vector' : `generation ${generation}`;
      return html`<p>
        Interleaved with ${nameOfBase(each.against)}: preference ${showPreference(each, name)}
        <span class="quiet">${showVotes(each, name)}</span>
      </p>`;
    })}
  </section>`;
}
