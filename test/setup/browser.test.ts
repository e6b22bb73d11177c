import { expect, it } from 'vitest';
import { findChromium } from './browser.ts';

it('takes the browser that is named and no other', () => {
  expect(findChromium(process.execPath)).toBe(process.execPath);
  expect(findChromium('/nowhere/chromium')).toBeNull();
});
