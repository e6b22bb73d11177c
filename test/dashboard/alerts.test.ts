import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';

const RULES = fileURLToPath(new URL('../../docs/alerts.yml', import.meta.url));
const promtool = inject('promtool');

/** Minutes of one sample each: `1x9` is ten ones, `_x9` ten that are missing (promtool's own notation). */
type Series = Record<string, string>;
interface Expected {
  alert: string;
  at: string;
  /** Labels of each alert that fires, but for its severity; none where it must be quiet. */
  fires: Record<string, string>[];
  severity?: string;
}

async function promtoolSays(series: Series, expected: Expected[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pgvector-backfill-alerts-'));
  const file = join(folder, 'test.yml');
  await writeFile(
    file,
    stringify({
      rule_files: [RULES],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
          // What it says besides is for people, and is left out here.
          promql_expr_test: expected.map(({ alert, at, fires, severity = 'warning' }) => ({
            expr: `count by (job, instance, backfill, generation, source, mode) (ALERTS{alertname="${alert}", alertstate="firing", severity="${severity}"})`,
            eval_time: at,
            exp_samples: fires.map((labels) => ({
              labels: `{${Object.entries(labels)
                .map(([name, value]) => `${name}="${value}"`)
                .join(', ')}}`,
              value: 1,
            })),
          })),
        },
      ],
    }),
  );
  try {
    const { stdout } = await promisify(execFile)(promtool ?? '', ['test', 'rules', file]);
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `${stdout}${stderr}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const target = (instance: string, job = 'pgvector-backfill'): Record<string, string> => ({ job, instance });
const of = (name: string, labels: Record<string, string>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
const up = (labels: Record<string, string>): string => of('up', labels);
const source = (labels: Record<string, string>, name: string): string =>
  of('pgvector_backfill_source_up', { ...labels, source: name });

/** Of target a: the first generation, and the second. */
const ofGenerations = (name: string, labels: Record<string, string>, ...values: string[]): Series =>
  Object.fromEntries(
    values.map((each, at) => [
      of(`pgvector_backfill_${name}`, {
        ...target('a:3000'),
        backfill: 'docs',
        generation: String(at + 1),
        ...labels,
      }),
      each,
    ]),
  );

describe.runIf(promtool !== null)('alerts.yml, as Prometheus takes it', () => {
  const [a, b, other] = [target('a:3000'), target('b:3000'), target('c:3000', 'of-another-name')];

  it.each<[string, Series, Expected[]]>([
    [
      'a target that is away is told of beside one that is well, also by another job’s name',
      {
        [up(a)]: '1x9 0x30',
        [source(a, 'database')]: '1x9 _x30',
        [up(b)]: '1x40',
        [source(b, 'database')]: '1x40',
        [up(other)]: '1x9 0x30',
        [source(other, 'database')]: '1x9 _x30',
      },
      [
        { alert: 'BackfillMetricsAbsent', at: '9m', fires: [] },
        { alert: 'BackfillMetricsAbsent', at: '30m', fires: [a, other] },
        { alert: 'BackfillSourceSilent', at: '30m', severity: 'critical', fires: [] },
      ],
    ],
    [
      'one that answers, but not with metrics, from its first day on',
      { [up(a)]: '0x40', [up(b)]: '1x40', [source(b, 'database')]: '1x40' },
      [{ alert: 'BackfillMetricsAbsent', at: '20m', fires: [a] }],
    ],
    [
      'a target that is scraped no longer is nobody’s trouble while another is well',
      {
        [up(a)]: '1x9 _x30',
        [source(a, 'database')]: '1x9 _x30',
        [up(b)]: '1x40',
        [source(b, 'database')]: '1x40',
      },
      [{ alert: 'BackfillMetricsAbsent', at: '30m', fires: [] }],
    ],
    [
      'nothing is scraped at all',
      { 'something_else{job="x"}': '1x40' },
      [{ alert: 'BackfillMetricsAbsent', at: '20m', fires: [{}] }],
    ],
    [
      'a source that is silent is told of by its name, and alerts on the other one still hold',
      {
        [up(a)]: '1x40',
        [source(a, 'database')]: '1x40',
        [source(a, 'queue')]: '1x4 0x36',
        [of('pgvector_backfill_run_state', { ...a, state: 'failed' })]: '0x9 1x30',
      },
      [
        {
          alert: 'BackfillSourceSilent',
          at: '20m',
          severity: 'critical',
          fires: [{ ...a, source: 'queue' }],
        },
        { alert: 'BackfillMetricsAbsent', at: '20m', fires: [] },
        { alert: 'BackfillRunFailed', at: '20m', severity: 'critical', fires: [a] },
      ],
    ],
    [
      'one generation is nobody’s trouble for another: each by its own rows, workers and index',
      {
        [up(a)]: '1x40',
        [source(a, 'database')]: '1x40',
        ...ofGenerations('run_state', { state: 'running' }, '1x40', '1x40'),
        ...ofGenerations('rows', { state: 'pending' }, '0x40', '500x40'),
        ...ofGenerations('batches_in_progress', {}, '1x40', '0x40'),
        ...ofGenerations('index_valid', {}, '1x40', '0x40'),
        ...ofGenerations('read_mode', { mode: 'vector' }, '1x40', '0x40'),
      },
      [
        {
          alert: 'BackfillNoWorker',
          at: '20m',
          severity: 'critical',
          fires: [{ ...a, backfill: 'docs', generation: '2' }],
        },
        // Reads go by the first one.
        { alert: 'BackfillIndexInvalid', at: '20m', severity: 'critical', fires: [] },
      ],
    ],
    [
      'recall that chance alone does not explain, of what reads go by',
      {
        [up(a)]: '1x40',
        [source(a, 'database')]: '1x40',
        ...ofGenerations(
          'watch_recall_upper_ratio',
          { source: 'rows' },
          '0.95x9 0.8x30',
          '0.5x40',
          '0.91x40',
        ),
        ...ofGenerations('watch_recall_wanted_ratio', {}, '0.9x40', '0.9x40', '0.9x40'),
        ...ofGenerations('read_mode', { mode: 'vector' }, '1x40', '0x40', '1x40'),
        ...ofGenerations('watch_verdict', { verdict: 'stale' }, '0x40', '1x40', '0x40'),
      },
      [
        { alert: 'BackfillRecallFell', at: '9m', fires: [] },
        {
          alert: 'BackfillRecallFell',
          at: '30m',
          fires: [{ ...a, source: 'rows', backfill: 'docs', generation: '1' }],
        },
        { alert: 'BackfillVectorsStale', at: '30m', fires: [{ ...a, backfill: 'docs', generation: '2' }] },
      ],
    ],
  ])('%s', async (_, series, expected) => {
    expect(await promtoolSays(series, expected)).toMatch(/SUCCESS/);
  });

  it('every rule is one that Prometheus loads', async () => {
    const { stdout } = await promisify(execFile)(promtool ?? '', ['check', 'rules', RULES]);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });
});
