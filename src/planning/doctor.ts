/** Read-only preflight: everything that could stop a backfill, found before it starts. */

import { optionName } from '../config/option-name.ts';
import type { Settings } from '../config/settings.ts';
import type { Pool } from '../db/pool.ts';
import { quoteQualified } from '../db/identifiers.ts';
import { LEDGER_SCHEMA, ledgerState } from '../db/migrate.ts';
import { foreignParts } from '../db/own-schema.ts';
import { codeOf, isOfBytes, isUnreachable } from '../db/sqlstates.ts';
import { isUsageNews } from '../embedding/usage/usage-news.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { messageOf } from '../errors.ts';
import { keptSettings } from '../ledger/backfill/kept-settings.ts';
import { VERIFY_AGAIN, verifiedWithOtherOptions } from '../ledger/verification/verified-options.ts';
import { latestRun } from '../ledger/run/run.ts';
import { nameClash } from '../ledger/backfill/clash.ts';
import { TABLE_REMEDY, tableFault } from '../ledger/run/run-target.ts';
import type { Target } from '../table/backfill-target.ts';
import { describeTarget } from '../ledger/backfill/describe-target.ts';
import { checkExtension, checkServer } from './checks/server.ts';
import { checkVectorSchema } from './checks/vector-schema.ts';
import { checkExpressions } from './checks/expressions.ts';
import { checkEventTriggers } from './checks/event-triggers.ts';
import { checkAddedColumns, checkIndexMetric, checkExistingObjects } from './checks/existing-objects.ts';
import { checkKey } from './checks/key.ts';
import { checkTable, checkVectorColumn } from './checks/legacy-table.ts';
import { checkConnections } from './checks/connections.ts';
import { checkIndexBuild } from './checks/index-build.ts';
import { checkStore } from './checks/store.ts';
import { checkLegacySearch } from './checks/legacy-search.ts';
import { checkEncryption } from './checks/encryption.ts';
import { checkOpenFiles } from './checks/open-files.ts';
import { checkSearchPath } from './checks/search-path.ts';
import { checkOtherBackfills } from './checks/other-backfills.ts';
import { checkPooler } from './checks/pooler.ts';
import { checkRunProgress } from './checks/run-progress.ts';
import { checkEligibleRows } from './checks/eligible-rows.ts';
import { checkChangeCapture } from './checks/change-capture.ts';
import { checkVolatility } from './checks/volatility.ts';
import { checkStoredSettings } from './checks/stored-settings.ts';
import { loadedBy } from './checks/loaded-by.ts';
import { checkModelMemory } from './checks/model-memory.ts';
import { checkStaticMemory } from './checks/static-memory.ts';
import { checkModelUse } from './checks/model-use.ts';
import { checkTexts } from './checks/texts.ts';
import { checkPresentVectors } from './checks/present-vectors.ts';
import { checkQueue } from './checks/queue.ts';
import type { Finding } from './checks/finding.ts';
import { findingOf } from './checks/finding-of.ts';
import { checkIndexForecast } from './checks/index-forecast.ts';
import { missingLedgerParts } from './standing/ledger-parts.ts';
import { checkGenerations, checkStanding } from './standing/standing.ts';
import { forecastPassages } from './passage-forecast.ts';

export interface DoctorInput {
  pool: Pool;
  backfill: string;
  settings: Settings;
  /** Opens the model; called once, after the cheaper checks. */
  openEmbedder: () => Promise<Embedder>;
  /** False for commands that use no queue. */
  withQueue: boolean;
  /** Whether to try out how long the index build takes: a second or two. */
  calibrate?: boolean;
}

export interface Diagnosis {
  findings: Finding[];
  target: Target | null;
  /** Open, for the caller to use and close; null where it could not be loaded. */
  embedder: Embedder | null;
}

/** Faults of one part do not hide those of another: what depends on a failed check is left out, the rest is looked at. */
export async function diagnose(asked: DoctorInput): Promise<Diagnosis> {
  let input = asked;
  let { settings } = asked;
  const { pool } = input;
  const findings: Finding[] = [
    ...(await checkServer(pool)),
    ...(await checkPooler(settings)),
    ...(await checkExtension(pool)),
    ...(await checkVectorSchema(pool, settings.vectorSchema)),
    ...(await checkStoredSettings(pool, settings)),
    ...checkEncryption(settings),
    ...checkOpenFiles(settings),
  ];
  const { findings: tableFindings, table } = await checkTable(pool, settings);
  findings.push(...tableFindings, ...(await checkSearchPath(pool, table?.oid ?? null)));
  let target: Target | null = null;
  const named = table === null ? null : quoteQualified(table);
  const foreign = await foreignParts(pool, LEDGER_SCHEMA, named);
  const partial = foreign === null ? await partialLedger(pool) : null;
  const isReadable = foreign === null && partial === null;
  // Nothing that stands there is read then.
  if (foreign !== null) findings.push(findingOf('ledger', foreign));
  else if (partial !== null) findings.push(partial);
  else if (table !== null) {
    try {
      settings = await keptSettings(pool, input.backfill, settings);
      input = { ...input, settings };
      target = await describeTarget(pool, input.backfill, settings, { planning: true });
      const expressions = await checkExpressions(pool, target, settings);
      findings.push(
        ...(await checkKey(pool, target, settings)),
        ...expressions,
        ...(expressions.some(({ level }) => level === 'error')
          ? []
          : [...(await checkVolatility(pool, target, settings)), ...(await checkEligibleRows(pool, target))]),
        ...(await checkAddedColumns(pool, target)),
        ...(await checkOtherBackfills(pool, target)),
        ...(await checkIndexBuild(pool, target)),
        ...(await checkExistingObjects(pool, target)),
        ...(await checkStore(pool, target)),
        ...(await checkIndexMetric(pool, target, settings)),
        // One that would call another role's code is not tried.
        ...(expressions.some(({ check }) => check === 'names')
          ? []
          : await checkLegacySearch(pool, target, settings)),
        ...(takesNoWrites(findings) ? [] : await checkEventTriggers(pool, target)),
      );
    } catch (error) {
      findings.push(
        codeOf(error) === 'EXPRESSION_FOREIGN' ? findingOf('names', error) : findingOf('key', error, 'key'),
      );
    }
  }
  if (target !== null) findings.push(await checkChangeCapture(pool, target, settings));
  if (isReadable) findings.push(...(await checkLedger(input, target)));
  if (isReadable && asked.calibrate === true) findings.push(...(await checkStandingParts(asked)));
  const embedder = await input.openEmbedder().catch((error: unknown) => {
    // Nothing is wrong: whoever asks begins again, by what the files say.
    if (isUsageNews(error)) throw error;
    findings.push(findingOf('model', error, 'model.name'));
    return null;
  });
  try {
    // Where rows are hidden from us, whatever reads some is refused.
    const readable = findings.some(({ check }) => check === 'row-security') ? null : target;
    if (embedder !== null) {
      const calibrate = input.calibrate === true && !takesNoWrites(findings);
      findings.push(...(await checkWithModel(input, readable, embedder, calibrate)));
    }
    if (input.withQueue)
      findings.push(
        ...(await checkQueue(settings, isReadable ? pool : null)),
        ...(await checkConnections(settings)),
      );
  } catch (error) {
    // Nobody else would close it, and its processes would keep this one from ending.
    await embedder?.close();
    throw error;
  }
  return { findings: withoutEchoes(findings), target, embedder };
}

/** What keeps it from being read, its own check tells. */
const partialLedger = (pool: Pool): Promise<Finding | null> =>
  missingLedgerParts(pool).catch((error: unknown) => {
    if (isUnreachable(error)) throw error;
    return null;
  });

/** What was there before, and may have been lost since. Of a ledger that is of another release, nothing is known here. */
async function checkStandingParts({ pool, backfill, settings }: DoctorInput): Promise<Finding[]> {
  try {
    const standing = await checkStanding(pool);
    const { version, missing } = await ledgerState(pool);
    if (version === 0 || missing.length > 0) return standing;
    return [...standing, ...(await checkGenerations(pool, backfill, settings))];
  } catch (error) {
    return [findingOf('standing', error)];
  }
}

const takesNoWrites = (findings: readonly Finding[]): boolean =>
  findings.some(({ check }) => check === 'read-only');

/** Where rows are hidden from us, every check that reads some is refused for it too: said once. */
function withoutEchoes(findings: Finding[]): Finding[] {
  const first = findings.find(({ check }) => check === 'row-security');
  return findings.filter((each) => each === first || each.check !== 'row-security');
}

async function checkWithModel(
  input: DoctorInput,
  target: Target | null,
  embedder: Embedder,
  calibrate: boolean,
): Promise<Finding[]> {
  const { pool, settings } = input;
  const { dimensions, model } = embedder;
  const message = `${model}, ${dimensions} dimensions${loadedBy(settings)}`;
  const known: Finding = { level: 'ok', check: 'model', message };
  const memory = [...checkModelMemory(settings), ...(await checkStaticMemory(settings))];
  const use = [...checkModelUse(settings), ...memory];
  if (target === null) return [known, ...use];
  return [
    known,
    ...use,
    ...(await checkVectorColumn(pool, target, dimensions)),
    ...(await checkPresentVectors(pool, target)),
    ...(await checkIndexForecast({
      pool,
      target,
      settings,
      dimensions,
      calibrate,
      passages: await forecastPassages(pool, target, embedder).catch(() => null),
    })),
    ...(await textLengths(input, target, embedder)),
  ];
}

/** A text expression that fails was found by the checks of the columns. */
function textLengths(
  { pool, settings }: DoctorInput,
  target: Target,
  embedder: Embedder,
): Promise<Finding[]> {
  return checkTexts(pool, target, settings, embedder).catch((error: unknown) => [
    isOfBytes(error) ? unreadableKey(error) : findingOf('text-length', error),
  ]);
}

/** A text is read row by row, and its faults are told by key: what is left is the key itself. */
const unreadableKey = (error: unknown): Finding => ({
  level: 'error',
  check: 'key',
  message: `A key among the sampled rows cannot be told (${messageOf(error)}): nobody could name that row, or find it again.`,
  remedy: `Correct such keys, or name another key by ${optionName('key')}.`,
  option: 'key',
});

/** `enqueue` plans a run for it, so it does not block. */
async function checkRun({ pool, backfill }: DoctorInput): Promise<Finding[]> {
  const run = await latestRun(pool, backfill);
  if (run === null) return [];
  const fault = await tableFault(pool, run);
  const otherwise = await verifiedWithOtherOptions(pool, run);
  const warning = (check: string, message: string, remedy: string): Finding => ({
    level: 'warn',
    check,
    message: `${message}.`,
    remedy,
  });
  return [
    ...(fault === null ? [] : [warning('run-table', fault, TABLE_REMEDY)]),
    ...(otherwise === null ? [] : [warning('verified', otherwise, VERIFY_AGAIN)]),
  ];
}

async function checkLedger(input: DoctorInput, target: Target | null): Promise<Finding[]> {
  const { pool } = input;
  try {
    const { version, missing } = await ledgerState(pool);
    const message =
      version === 0
        ? 'will be created'
        : `version ${version}${missing.length === 0 ? '' : ', will be brought up to date'}`;
    const clash = version === 0 || target === null ? null : await nameClash(pool, target);
    if (clash === null)
      return [
        { level: 'ok', check: 'ledger', message },
        ...(version === 0 || missing.length > 0 ? [] : await checkRun(input)),
        ...(version === 0 || missing.length > 0 ? [] : await checkRunProgress(input)),
      ];
    return [
      {
        level: 'error',
        check: 'ledger',
        message: clash,
        remedy:
          'Give each backfill a name of its own with --backfill, or a section of its own in the configuration file.',
        option: 'table',
      },
    ];
  } catch (error) {
    return [findingOf('ledger', error)];
  }
}

export const blockers = (findings: readonly Finding[]): Finding[] =>
  findings.filter((finding) => finding.level === 'error');
