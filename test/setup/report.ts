/**
 * Vitest's reporter of what ran on what: a line for each project at the end, and, where TEST_REPORT names a file, every
 * test file with its time and with what its tests waited for. test/setup/times-page.ts makes the page of it.
 */

import { writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { KINDS, type Waits } from './measure.ts';

export interface FileReport {
  project: string;
  file: string;
  ms: number;
  /** Loading the file and what it imports, ms. */
  importMs: number;
  passed: number;
  failed: string[];
  skipped: number;
  /** Full names; a test of a suite that goes over servers has the server's in it. */
  tests: string[];
  waits: Waits;
  /** Databases that its tests had, by what carried rows and jobs. */
  databases: Record<string, number>;
}

export interface Report {
  node: string;
  servers: string;
  /** Errors outside of tests. */
  errors: string[];
  files: FileReport[];
}

export default class ServersReporter implements Reporter {
  #vitest: Vitest | null = null;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunEnd(modules: readonly TestModule[], errors: readonly { message?: string }[]): Promise<void> {
    const provided = this.#vitest?.getRootProject().getProvidedContext();
    const report: Report = {
      node: process.version,
      servers: provided?.versions ?? '',
      errors: errors.map(({ message }) => message ?? 'unknown'),
      files: modules.map(fileReport),
    };
    process.stdout.write(`\n${ranLines(report).join('\n')}\n`);
    const path = process.env['TEST_REPORT'];
    if (path !== undefined && path !== '') await writeFile(path, JSON.stringify(report));
  }
}

function fileReport(module: TestModule): FileReport {
  const { waits = {}, databases = {} } = module.meta();
  const { duration, collectDuration } = module.diagnostic();
  const tests = [...module.children.allTests()];
  const named = (state: string): string[] =>
    tests.filter((test) => test.result().state === state).map(({ fullName }) => fullName);
  const failed = named('failed');
  // A file that does not load has no test that could fail.
  if (module.state() === 'failed' && failed.length === 0)
    failed.push('(did not load, or failed outside of its tests)');
  return {
    project: module.project.name,
    file: relative(process.cwd(), module.moduleId),
    ms: Math.round(duration),
    importMs: Math.round(collectDuration),
    passed: named('passed').length,
    failed,
    skipped: named('skipped').length,
    tests: tests.map(({ fullName }) => fullName),
    waits,
    databases,
  };
}

const sum = (numbers: number[]): number => numbers.reduce((all, one) => all + one, 0);

/** What ran where: counted, not planned. */
export function ranLines({ node, servers, files }: Report): string[] {
  const projects = [...new Set(files.map(({ project }) => project))].toSorted();
  const lines = projects.map((project) => {
    const own = files.filter((file) => file.project === project);
    const databases = new Map<string, number>();
    for (const file of own)
      for (const [name, count] of Object.entries(file.databases))
        databases.set(name, (databases.get(name) ?? 0) + count);
    const where = [...databases].map(([name, count]) => `${count} databases on ${name}`).join(', ');
    const starts = KINDS.map((kind) => [kind, sum(own.map(({ waits }) => waits[kind]?.count ?? 0))] as const)
      .filter(([kind, count]) => count > 0 && kind !== 'database' && kind !== 'condition')
      .map(([kind, count]) => `${count} of ${kind}`)
      .join(', ');
    return `RAN ${project}: ${sum(own.map(({ passed }) => passed))} passed, ${sum(own.map(({ failed }) => failed.length))} failed, ${sum(own.map(({ skipped }) => skipped))} skipped in ${own.length} files; ${where === '' ? 'no database' : where}${starts === '' ? '' : `; started: ${starts}`}`;
  });
  return [...lines, `RAN on Node ${node}${servers === '' ? '' : `; servers: ${servers}`}`];
}
