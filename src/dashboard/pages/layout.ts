/** What every page of the dashboard has around it. */

import { html } from 'hono/html';
import { assetUrl } from '../assets.ts';

export type Markup = ReturnType<typeof html>;

export const NOTHING: Markup = html``;

export interface PageInput {
  title: string;
  heading: Markup | string;
  /** Null of a page that leads nowhere: whoever sees it may not look at the others. */
  here: '/' | '/search' | '/judge' | null;
  /** Path that it is an answer at, where that is not `here`: its links begin there. */
  at?: string;
  /** Of the progress page: brings itself up to date. */
  live: boolean;
  body: Markup;
  /** Of the page's own, where it has one. */
  script?: 'judge.js';
}

/** The way to the root from where the page is, as a proxy may have put a path before all: `/queues/queue/x` → `../../`. */
const rootFrom = (path: string): string => '../'.repeat(path.split('/').length - 2) || './';

const LINKS = [
  ['/', 'Progress'],
  ['/search', 'Search'],
  ['/judge', 'Judge'],
  ['/queues', 'Queues'],
  ['/api/status', 'JSON'],
] as const;

/** Reloading takes the script's place where there is none. */
const RELOAD = html`<noscript><meta http-equiv="refresh" content="5" /></noscript>`;

export function layout({ title, heading, here, at = here ?? '/', live, body, script }: PageInput): Markup {
  const root = rootFrom(at);
  const links = LINKS.map(
    ([href, name]) =>
      html`<li>
        <a href="${root}${href.slice(1)}" ${href === here ? html`aria-current="page"` : NOTHING}>${name}</a>
      </li>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${root}${assetUrl('page.css')}" />
        ${
          live
            ? html`${RELOAD}
                <script type="module" src="${root}${assetUrl('page.js')}"></script>`
            : NOTHING
        }
        ${script === undefined ? NOTHING : html`<script type="module" src="${root}${assetUrl(script)}"></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header>
          <h1>${heading}</h1>
          ${
            here === null
              ? NOTHING
              : html`<nav aria-label="Pages">
                  <ul>
                    ${links}
                  </ul>
                </nav>`
          }
          ${live ? html`<p id="live" role="status"></p>` : NOTHING}
        </header>
        <main id="main" ${live ? html`data-live` : NOTHING}>${body}</main>
      </body>
    </html>`;
}

/** Of a section of the page: those of later generations have their number behind the name. */
export const partId = (name: string, { generation }: { generation: number }): string =>
  generation === 1 ? name : `${name}-${generation}`;

/** Names and figures, in rows. */
export function facts(rows: readonly (readonly [string, Markup | string])[]): Markup {
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** The few figures that a page begins with: name, value, and a word on it or none. */
export function keyNumbers(list: readonly (readonly [name: string, value: string, note?: string])[]): Markup {
  return html`<dl class="key-numbers">
    ${list.map(
      ([name, value, note = '']) =>
        html`<div>
          <dt>${name}</dt>
          <dd><b>${value}</b>${note === '' ? NOTHING : html` <small>${note}</small>`}</dd>
        </div>`,
    )}
  </dl>`;
}

/** A table that scrolls by itself where the page is narrow. */
export function table(
  label: string,
  columns: readonly string[],
  rows: readonly (readonly (Markup | string)[])[],
): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${columns.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell) => html`<td>${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** `2026-11-23 15:59:12`, UTC, in one line. */
export const moment = (iso: string): Markup =>
  html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')}</time>`;
