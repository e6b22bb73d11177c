/** Texts made to take long. A step that reads on from each place of such a text takes minutes here, not milliseconds. */

import { expect, it } from 'vitest';
import { MASK_TYPES } from '../../src/config/options.ts';
import { createMasker, tryMask } from '../../src/masking/masker.ts';

const CHARACTERS = 200_000;

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

it.each(UNITS)('%j without end', (unit) => {
  const text = unit.repeat(Math.ceil(CHARACTERS / unit.length));
  for (const hostile of [text, `${text} 1`, `${text}!x@`])
    expect(masker.mask(hostile).text.length).toBeGreaterThan(0);
});

it('a rule that searches to the end of the text at every match is given up, and the text with it', () => {
  const greedy = createMasker({ types: [], rules: [{ name: 'greedy', pattern: 'a.*b|a' }] });
  const hostile = 'a'.repeat(100_000);
  expect(() => greedy.mask(hostile)).toThrow('the masking rule greedy did not end within the 2 s');
  expect(tryMask(greedy, hostile)).toBeNull();
  // The next text has time of its own.
  expect(tryMask(greedy, 'aa')).toEqual({ text: '[GREEDY][GREEDY]', counts: { greedy: 2 } });
});
