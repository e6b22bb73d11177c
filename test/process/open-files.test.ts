/** A process that may open few files: said in words, wherever it meets its limit. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, inject, it } from 'vitest';
import { assertEnoughFiles, explainedByFiles, fewFiles } from '../../src/process/open-files.ts';

/** Later ones read one module behind the other, and are loaded by as few. */
const opensSideBySide = process.versions.node.startsWith('20.');

it.runIf(opensSideBySide).each([32, 64])(
  'the compiled program under a limit of %i, which it cannot be loaded by',
  (limit) => {
    const program = fileURLToPath(new URL('scripts/cli.js', inject('compiled')));
    const { status, stderr, stdout } = spawnSync(
      'sh',
      ['-c', `ulimit -n ${limit}; exec "$0" "$@"`, process.execPath, program, 'worker', '--json'],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `error OPEN_FILES: This process has met its limit of ${limit} for open files and connections (ulimit -n).\nRaise it: \`ulimit -n 1024\` in the shell, LimitNOFILE=1024 of a systemd unit, \`--ulimit nofile=1024\` of Docker.\n`,
    });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'OPEN_FILES' } });
  },
);

it('doctor and worker say a limit that is too low for that many batches', () => {
  expect(fewFiles(2, 1024)).toBeNull();
  expect(fewFiles(2, null)).toBeNull();
  expect(fewFiles(50, 350)).toMatchObject({
    message: expect.stringMatching(
      /^A process may open 350 files and connections at a time here \(ulimit -n\); a worker of concurrency 50 may need (428|364)\.$/,
    ) as string,
    remedy: expect.stringContaining('ulimit -n 1024') as string,
  });
});

it('a model is not loaded where its process could not be, and other errors stay what they are', () => {
  expect(() => assertEnoughFiles(50)).toThrow(/one that loads a model needs (64|128)/);
  expect(() => assertEnoughFiles(128)).not.toThrow();
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(explainedByFiles(refused, 64)).toBe(refused);
  const met = new Error('the ledger cannot be read', {
    cause: Object.assign(new Error(), { code: 'EMFILE' }),
  });
  expect(explainedByFiles(met, 1024)).toMatchObject({ code: 'OPEN_FILES' });
});
