import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startInferenceProcess } from '../../../src/embedding/inference/start-process.ts';

it.runIf(process.platform === 'linux')(
  'a Ctrl-C of the terminal does not reach an inference process',
  async () => {
    const child = startInferenceProcess();
    const ended = once(child, 'exit');
    try {
      // Behind the name, which may hold anything: state, parent, process group.
      const [, , group] =
        readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      expect(Number(group)).toBe(child.pid);
    } finally {
      // Whoever started it is gone: it ends by itself.
      child.disconnect();
      expect(await ended).toEqual([0, null]);
    }
  },
);
