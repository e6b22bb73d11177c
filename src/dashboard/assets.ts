/** The pages' style and script: files of their own, as the content security policy lets none stand in a page. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Hono } from 'hono';

const FILES = {
  'page.css': 'text/css',
  'page.js': 'text/javascript',
  'judge.js': 'text/javascript',
} as const;
type AssetName = keyof typeof FILES;

const load = (name: AssetName): { body: string; type: string; version: string } => {
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url), 'utf8');
  const version = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return { body, type: `${FILES[name]}; charset=utf-8`, version };
};
const LOADED = { 'page.css': load('page.css'), 'page.js': load('page.js'), 'judge.js': load('judge.js') };

/** From the root. Another content is another address, so a browser keeps what it has. */
export const assetUrl = (name: AssetName): string => `assets/${name}?v=${LOADED[name].version}`;

export function assets(): Hono {
  const app = new Hono();
  for (const [name, { body, type }] of Object.entries(LOADED))
    app.get(`/${name}`, (context) =>
      context.body(body, 200, { 'Content-Type': type, 'Cache-Control': 'private, max-age=31536000' }),
    );
  return app;
}
