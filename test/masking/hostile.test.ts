/** Texts made to take long: a step that reads on from each place of such a text takes the square of its length. */

import { expect, it } from 'vitest';
import { MASK_TYPES } from '../../src/config/options/mask.ts';
import { createMasker, tryMask } from '../../src/masking/masker.ts';

/** Of one text, and of one that takes four times as long where time grows with the length, and sixteen with its square. */
const [SHORT, LONG] = [12_500, 50_000];
/** Between the two. */
const MAX_TIMES = 8;
/** Below, nothing is told from a collection of garbage, and nothing has to be: a square is above at this length. */
const MIN_MS = 150;
/** What else the machine does counts for a little of this thread's time too; a square stays one. */
const TRIES = 3;

const masker = createMasker({
  types: MASK_TYPES,
  rules: [{ name: 'nested', pattern: '(x+x+)+y' }],
});

const UNITS = [
  ['@', 'a', 'é', '1', ' ', ':', '-', '.', '/', '=', '[', '(', '+', '0', 'f', '"', '_', '{'],
  ['a.', 'a.a.', 'a@', 'a.b@', '@-', '"@', '{a}@', '}@', 'a@a.', 'é@é.'],
  ['1-', '1 ', '1.', '1:', '12-', '1-1-', '123-45-', '212-555-', '4111 ', '1.1.1.1', '0x'],
  ['A1', 'aA1', 'A1 ', 'DE89', 'DE89 ', 'DE89 3704 ', '::', 'f:', '::1%', 'fe80:'],
  ['+1', '+1 ', '(+1', '(212) ', '00', '001 ', '1)', 'tel ', '1/', '1–'],
  ['password=', 'token:', 'token="', 'key ', 'eyJ', 'eyJaaaaaaaa.', '-eyJaaaaaaaa', 'sk-', 'SG.'],
  ['://', '://a:', '://a:b@', 'Bearer ', 'bearer a', '-----BEGIN ', '-----BEGIN PRIVATE KEY-----'],
  ['aA1/', '+/', '[EMAIL]', '[EMAIL', 'x', 'xy'],
].flat();

/** Of this process: what it waits for does not count. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it.each(UNITS)('%j without end', (unit) => {
  const mask = (characters: number, end: string): number =>
    cpuMs(() => {
      const text = unit.repeat(Math.ceil(characters / unit.length)) + end;
      expect(masker.mask(text).text.length).toBeGreaterThan(0);
    });
  for (const end of ['', ' 1', '!x@']) {
    let times = Number.POSITIVE_INFINITY;
    for (let tried = 0; tried < TRIES && times > MAX_TIMES; tried++)
      times = Math.max(mask(LONG, end), MIN_MS) / Math.max(mask(SHORT, end), MIN_MS / MAX_TIMES);
    expect(times).toBeLessThanOrEqual(MAX_TIMES);
  }
});

it('a rule that searches to the end of the text at every match is given up, and the text with it', () => {
  const greedy = createMasker({ types: [], rules: [{ name: 'greedy', pattern: 'a.*b|a' }] }, 0.2);
  const hostile = 'a'.repeat(100_000);
  expect(() => greedy.mask(hostile)).toThrow('the masking rule greedy did not end within the 0.2 s');
  expect(tryMask(greedy, hostile)).toBeNull();
  // The next text has time of its own.
  expect(tryMask(greedy, 'aa')).toEqual({ text: '[GREEDY][GREEDY]', counts: { greedy: 2 } });
});
