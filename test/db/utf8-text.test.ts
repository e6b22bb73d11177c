/** What is sent to a database is in ASCII wherever we have written it: another encoding than UTF8 may lack the rest. */

import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const SOURCES = new URL('../../src/', import.meta.url);
/** Words that a message has in no such order. */
const STATEMENT = /\b(?:SELECT\b[^]*\bFROM|INSERT INTO|DELETE FROM|UPDATE\b[^]*\bSET)\b/;

async function files(ending: string): Promise<[name: string, text: string][]> {
  const names = (await readdir(SOURCES, { recursive: true })).filter((name) => name.endsWith(ending));
  return Promise.all(
    names.map(async (name) => [name, await readFile(new URL(name, SOURCES), 'utf8')] as [string, string]),
  );
}

/** Template literals, up to the next backtick that is not escaped: those within another one are parts of it by themselves. */
const literals = (text: string): string[] => text.match(/`(?:[^`\\]|\\.)*`/gs) ?? [];

describe('SQL of ours', () => {
  it('has no character but ASCII in migrations', async () => {
    for (const [name, text] of await files('.sql')) expect(text, name).toMatch(/^\p{ASCII}*$/u);
  });

  it('has none in statements either', async () => {
    const found = (await files('.ts')).flatMap(([name, text]) =>
      literals(text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, ''))
        .filter((literal) => STATEMENT.test(literal) && /\P{ASCII}/u.test(literal))
        .map((literal) => `${name}: ${literal.slice(0, 200)}`),
    );
    expect(found).toEqual([]);
  });
});
