/** What `audit` says in a terminal. */

import type { Audit, AuditedStatement } from '../audit/audit.ts';
import type { Tried } from '../audit/judge.ts';
import { quoteLiteral } from '../db/identifiers.ts';
import { count } from '../observability/format.ts';
import { lineWidth, wrapped } from './line-width.ts';

/** Each by itself: of one text PostgreSQL takes the whole for the name of one library, and does not start again. */
function preloadSql(preload: string | null): string {
  if (preload === null) return 'Have pg_stat_statements added to shared_preload_libraries';
  const present = preload
    .split(',')
    .map((each) => each.trim().replaceAll('"', ''))
    .filter((each) => each !== '');
  const names = [...present, 'pg_stat_statements'].map(quoteLiteral).join(', ');
  return `ALTER SYSTEM SET shared_preload_libraries = ${names};`;
}

/** Of what stands before a statement in its row. */
const INDENT = 2;
const WIDTHS = { state: 4, calls: 10, mean: 10, rows: 8, reason: 11 } as const;

export function auditLines(audit: Audit, stream: Pick<NodeJS.WriteStream, 'columns'>): string[] {
  const width = lineWidth(stream);
  const missed = audit.statements.filter(({ reason }) => reason !== null);
  return [
    ...audit.indexes.flatMap(indexLines),
    ...sourceLines(audit),
    ...(audit.statements.length === 0 ? [] : ['', head()]),
    ...[...missed, ...audit.statements.filter(({ reason }) => reason === null)].flatMap((each) =>
      statementLines(each, width),
    ),
    ...untriedLines(audit),
    '',
    audit.passed
      ? closing(audit)
      : `${missed.length} of ${audit.statements.length} statements and ${audit.indexes.filter(({ why }) => why !== null).length} of ${audit.indexes.length} indexes are found wanting.`,
  ];
}

const closing = ({ statements, source }: Audit): string =>
  source.state === 'present'
    ? `Nothing was found wanting in ${statements.length} statements.`
    : 'Nothing was found wanting in what the server counts of the index itself.';

function indexLines({
  index,
  generation,
  scans,
  lastScan,
  since,
  table,
  why,
  remedy,
}: Audit['indexes'][number]): string[] {
  const last = lastScan === null ? '' : `, the last one ${lastScan}`;
  const sequential =
    table.sequentialScans === 0
      ? 'never read from beginning to end'
      : `read from beginning to end ${count(table.sequentialScans)} times (${count(Math.round(table.rowsPerScan))} rows each)`;
  return [
    `index  ${index} of generation ${generation}: ${count(scans)} scans${last}; table ${table.name} ${sequential}${since === null ? '' : `, since ${since}`}`,
    ...(why === null ? [] : [`       WRONG: ${why}`, `       → ${remedy}`]),
  ];
}

function sourceLines({ source, ownStatements }: Audit): string[] {
  const restart = (preload: string | null): string =>
    `${preloadSql(preload)} (on managed servers in their console), restart the server`;
  if (source.state === 'missing')
    return [
      'note   pg_stat_statements is not in this database: which statement misses the index cannot be told, the lines above are all that the server counts.',
      `       → ${source.isPreloaded ? '' : `${restart(source.preload)}, then `}CREATE EXTENSION pg_stat_statements; and audit again after a day of searches.`,
    ];
  if (source.state === 'not-loaded')
    return [
      'note   pg_stat_statements is in this database, and the server has not loaded it: nothing is counted.',
      `       → ${restart(source.preload)}, and audit again after a day of searches.`,
    ];
  if (source.state === 'forbidden')
    return [
      'note   this role may not read pg_stat_statements: which statement misses the index cannot be told.',
      `       → GRANT USAGE ON SCHEMA ${source.schema} TO ${source.role}; GRANT pg_read_all_stats TO ${source.role};`,
    ];
  const { hidden, since, dropped, tracksNested } = source;
  return [
    `source pg_stat_statements${since === null ? '' : `, since ${since}`}; ${count(ownStatements)} statements of pgvector-backfill are left out`,
    ...(hidden === 0
      ? []
      : [
          `note   the text of ${count(hidden)} statements of other roles is not shown to this one.`,
          '       → GRANT pg_read_all_stats to it.',
        ]),
    ...(dropped === 0
      ? []
      : [
          `note   the least used statements were dropped ${count(dropped)} times for want of room: some may be missing here.`,
          '       → Raise pg_stat_statements.max.',
        ]),
    ...(tracksNested
      ? []
      : [
          'note   statements inside functions are not counted.',
          "       → ALTER SYSTEM SET pg_stat_statements.track = 'all'; where functions of yours search.",
        ]),
  ];
}

function head(): string {
  const { state, calls, mean, rows, reason } = WIDTHS;
  return `${''.padEnd(state)} ${'calls'.padStart(calls)} ${'mean ms'.padStart(mean)} ${'rows'.padStart(rows)}  ${'reason'.padEnd(reason)} plan`;
}

function statementLines(each: AuditedStatement, width: number): string[] {
  const { state, calls, mean, rows, reason } = WIDTHS;
  const mark = each.reason === null ? 'ok' : 'MISS';
  const block = (text: string): string[] =>
    wrapped(text, width - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`);
  return [
    `${mark.padEnd(state)} ${count(Math.round(each.calls)).padStart(calls)} ${each.meanMs.toFixed(2).padStart(mean)} ${each.rowsPerCall.toFixed(1).padStart(rows)}  ${(each.reason ?? '-').padEnd(reason)} ${planWords(each.plan)}`,
    ...block(each.statement),
    ...(each.why === null ? [] : block(`why: ${each.why}.`)),
    ...(each.rewritten === null
      ? []
      : [
          ...block(`→ ${[...each.rewritten.settings, each.rewritten.statement].join(' ')}`),
          ...block(`  tried: ${planWords(each.rewritten.plan)}`),
        ]),
    ...(each.remedy === null ? [] : block(`→ ${each.remedy}`)),
  ];
}

const planWords = ({ usesIndex, cost }: Tried): string =>
  `${usesIndex === true ? 'by the index' : usesIndex === 'forced' ? 'not by the index, which could serve it' : 'not by the index'}, cost ${count(Math.round(cost))}`;

function untriedLines({ untried }: Audit): string[] {
  if (untried.length === 0) return [];
  return [
    '',
    `${untried.length} statements were not tried:`,
    ...untried.map(({ id, calls, why }) => `  ${id} (${count(calls)} calls): ${why}`),
  ];
}
