/** The commands that the documents name, as a shell would take them apart. */

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Page {
  path: string;
  text: string;
}

export interface DocCommand {
  /** Where it stands, for messages. */
  page: string;
  /** Program and arguments, without quotes. */
  words: string[];
  /** Names that are set in front of it, or by `export`. */
  env: string[];
}

/** README, changelog and docs/. */
export async function documents(): Promise<Page[]> {
  const pages = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', 'CHANGELOG.md', ...pages.map((name) => join('docs', name))];
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), 'utf8') })));
}

/** Fenced blocks of a language, without their indentation. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)]
    .filter(([, , named]) => named === language)
    .map(([, indent = '', , body = '']) => body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

/** Of one line: what `&&` and `|` part, without the comment behind it. */
export function shellCommands(line: string): Omit<DocCommand, 'page'>[] {
  const commands: { words: string[]; env: string[] }[] = [{ words: [], env: [] }];
  for (const [, double, single, plain = ''] of line.matchAll(/"([^"]*)"|'([^']*)'|(#.*$|&&|\||[^\s"']+)/g)) {
    const last = commands.at(-1) as { words: string[]; env: string[] };
    const [, name] = /^([A-Z][A-Z0-9_]*)=/.exec(plain) ?? [];
    if (plain.startsWith('#')) break;
    if (plain === '&&' || plain === '|') commands.push({ words: [], env: [] });
    else if (name !== undefined && (last.words.length === 0 || last.words[0] === 'export'))
      last.env.push(name);
    else last.words.push(double ?? single ?? plain);
  }
  return commands.filter(({ words, env }) => words.length + env.length > 0);
}

/** Lines of `sh` blocks, and code spans that begin like a command. */
export function commandsOf({ path, text }: Page): DocCommand[] {
  const fenced = blocksOf(text, 'sh').flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```$/gm, '');
  const spans = [...prose.matchAll(/`((?:pgvector-backfill|npm run)\s[^`]+)`/g)].map(([, span = '']) =>
    span.replaceAll(/\s+/g, ' '),
  );
  return [...fenced, ...spans].flatMap((line) =>
    shellCommands(line).map((command) => ({ page: path, ...command })),
  );
}
