/** What the documents point to is there: pages, sections, commands and their flags. */

import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { flagsOf } from '../../src/cli/command.ts';
import { VERBS } from '../../scripts/lib/verbs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function documents(): Promise<{ path: string; text: string }[]> {
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CHANGELOG.md', ...pages.map((name) => join('docs', name))];
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })));
}

/** As GitHub makes them of headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

it('every relative link leads to a file, and to a section of it', async () => {
  const broken: string[] = [];
  let links = 0;
  for (const { path, text } of await documents())
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links++;
      const [file = '', section] = target.split('#');
      const full = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      if (!existsSync(full)) broken.push(`${path}: ${target}`);
      else if (section !== undefined && !anchors(await readFile(full, 'utf8')).includes(section))
        broken.push(`${path}: ${target}`);
    }
  expect(broken).toEqual([]);
  expect(links).toBeGreaterThan(50);
});

it('every command is a script or a verb, with flags that it takes', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const wrong: string[] = [];
  let commands = 0;
  for (const { path, text } of await documents())
    // A command goes to the end of its code span, its line or its comment.
    for (const [, name = '', rest = ''] of text.matchAll(/npm run ([a-z:-]+)((?: [^`\n#&|]*)?)/g)) {
      commands++;
      if (scripts[name] === undefined) wrong.push(`${path}: npm run ${name}`);
      const load = VERBS[name];
      if (load === undefined) continue;
      const taken = flagsOf(await load());
      for (const [flag] of rest.matchAll(/--[a-z][a-z-]*/g))
        if (!taken.includes(flag)) wrong.push(`${path}: npm run ${name} ${flag}`);
    }
  expect(wrong).toEqual([]);
  expect(commands).toBeGreaterThan(50);
});
