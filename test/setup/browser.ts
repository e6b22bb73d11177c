/** A real browser for tests of pages. */

import { existsSync } from 'node:fs';

/** The shell without windows first: it takes a third of the processor time, and its pages are the same. */
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Path of Chromium: CHROMIUM_PATH, or where systems install it; null where there is none. */
export function findChromium(given: string | undefined = process.env['CHROMIUM_PATH']): string | null {
  const wanted = given === undefined || given === '' ? PLACES : [given];
  return wanted.find((path) => existsSync(path)) ?? null;
}
