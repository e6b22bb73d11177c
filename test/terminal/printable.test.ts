import { expect, it } from 'vitest';
import { comparisonLines } from '../../src/terminal/comparison-lines.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import type { Command } from '../../src/cli/command.ts';
import { processHost } from '../../src/cli/host.ts';
import type { Output } from '../../src/terminal/output.ts';
import { printable, printableJson } from '../../src/terminal/terminal.ts';

/** Clears the screen, sets the clipboard, by C0, by C1, turns the line around, hides a line. */
const HOSTILE = [
  '\u001b[2J\u001b[H',
  '\u001b]52;c;Y3VybA==\u0007',
  '\u009b2J',
  '\u009d0;title\u009c',
  'invoice \u202Efdp.exe\u202C',
  '\u2066a\u2069\u200f',
  'first\rsecond\u2028third\b\b\u007f',
  '\u0000\u000e',
];
const OBEYED = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]/u;

it.each(HOSTILE)('nothing that a terminal obeys is printed of %j', (text) => {
  expect(text).toMatch(OBEYED);
  expect(printable(text)).not.toMatch(OBEYED);
  const json = printableJson({ title: text });
  expect(json).not.toMatch(OBEYED);
  expect(JSON.parse(json)).toEqual({ title: text });
});

it('what is only unusual stays', () => {
  for (const text of ['tab\tand\nline', 'é 例子', '👩‍🚀 🏴', 'עברית', '\ufeffmark'])
    expect(printable(text)).toBe(text);
});

it('whatever a verb says, warns, emits or fails with goes to the terminal without it', async () => {
  const title = HOSTILE.join('');
  const hit = { key: title, title, distance: 0.1 };
  const comparison = {
    text: title,
    legacy: [hit],
    legacyFault: null,
    vector: [{ ...hit, passage: { number: 3, start: 0, end: 9, text: `${title}\n ${'x'.repeat(200)}` } }],
    legacyFilteredOf: null,
    overlap: 1,
    legacyMs: 1,
    vectorMs: 1,
    embeddingMs: 1,
  };
  const verb: Command = {
    name: 'search',
    summary: '',
    flags: {},
    options: [],
    run(invocation) {
      for (const line of comparisonLines(comparison)) invocation.say(line);
      invocation.warn(title);
      invocation.emit(comparison);
      if (!invocation.json) throw new Error(title);
      return Promise.resolve(EXIT.done);
    },
  };
  for (const json of [true, false]) {
    const written: string[] = [];
    const output = {
      write: (text: string) => {
        written.push(text);
        return true;
      },
    } as Output;
    const host = { ...processHost(), stdout: output, stderr: output };
    await runCommand(verb, json ? ['--json'] : [], host);
    expect(written.join('')).toMatch(/invoice/);
    expect(written.join('')).not.toMatch(OBEYED);
  }
});
