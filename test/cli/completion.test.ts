import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../setup/command.ts';

const offered = (script: string, words: string): string[] =>
  execFileSync(
    'bash',
    [
      '-c',
      `${script}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _pgvector_backfill; echo "\${COMPREPLY[@]}"`,
    ],
    { encoding: 'utf8' },
  )
    .trim()
    .split(' ');

describe('completion', () => {
  it('offers verbs, then the flags of the verb, in bash', async () => {
    const { stdout } = await runCommand('completion', ['bash'], {});
    expect(offered(stdout, 'pgvector-backfill r')).toEqual(['resume', 'retry', 'rollback']);
    expect(offered(stdout, 'pgvector-backfill retry --quar')).toEqual(['--quarantined']);
    expect(offered(stdout, 'pgvector-backfill worker --conc')).toEqual(['--concurrency']);
  });

  it('knows the same verbs in zsh', async () => {
    const { stdout } = await runCommand('completion', ['zsh'], {});
    expect(stdout).toMatch(/^#compdef pgvector-backfill\n/);
    expect(stdout).toMatch(/compadd -- demo doctor enqueue /);
    expect(stdout).toMatch(/ {4}retry\) compadd -- --quarantined /);
  });
});
