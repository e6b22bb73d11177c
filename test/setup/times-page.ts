/** `npm run test:times`: writes the tables of docs/testing.md from the report of the last run of the tests. */

import { readFile, writeFile } from 'node:fs/promises';
import { KINDS, type Kind } from './measure.ts';
import { ranLines, type FileReport, type Report } from './report.ts';

const SHOWN = 40;
const PAGE = new URL('../../docs/testing.md', import.meta.url);
const BEGIN = '<!-- made by `npm run test:times` -->';
const END = '<!-- end -->';

const HEADINGS: Record<Kind, string> = {
  process: 'processes',
  'embedded server': 'embedded servers',
  container: 'containers',
  database: 'databases',
  condition: 'conditions',
  embedder: 'embedders',
};

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function row({ file, project, ms, importMs, tests, waits }: FileReport): string {
  const cells = KINDS.map((kind) => {
    const waited = waits[kind];
    return waited === undefined ? '' : `${waited.count}: ${seconds(waited.ms)}`;
  });
  return `| ${file.replace(/^test\//, '')} | ${project} | ${seconds(ms)} | ${tests.length} | ${seconds(importMs)} | ${cells.join(' | ')} |`;
}

const path = process.env['TEST_REPORT'];
if (path === undefined) throw new Error('TEST_REPORT must name the report of a run of the tests.');
const report = JSON.parse(await readFile(path, 'utf8')) as Report;
const slowest = report.files.toSorted((a, b) => b.ms - a.ms).slice(0, SHOWN);
const tables = [
  BEGIN,
  '',
  ...ranLines(report).map((line) => `- ${line}`),
  '',
  `| file | project | s | tests | loading | ${KINDS.map((kind) => HEADINGS[kind]).join(' | ')} |`,
  `| --- | --- | --- | --- | --- | ${KINDS.map(() => '---').join(' | ')} |`,
  ...slowest.map(row),
  '',
  END,
].join('\n');
const page = await readFile(PAGE, 'utf8');
const [before] = page.split(BEGIN);
await writeFile(PAGE, `${before}${tables}${page.split(END)[1] ?? '\n'}`);
