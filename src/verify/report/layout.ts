/** A report: one HTML file without script, with every picture in it. */

import { html, raw } from 'hono/html';
import { COLOURS, GRID, INK } from './chart.ts';

/** Of a page: a template of hono, so that what is put in is escaped. */
export type Part = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; --line: #ddd; --pass: #1a7f37; --fail: #c62828; --note: #8a5a00; --less: #555 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 } td, th { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: anywhere }
td:nth-child(-n + 2), th { overflow-wrap: normal } td:first-child { white-space: nowrap }
td { font-variant-numeric: tabular-nums } .pass { color: var(--pass) } .fail { color: var(--fail); font-weight: 600 } .note { color: var(--note) }
svg { max-width: 100%; height: auto } small { color: var(--less) }
@media (max-width: 40rem) { td, th { padding: .3rem .2rem; font-size: .8rem } td:nth-child(-n + 2), th { overflow-wrap: anywhere } }
@media (prefers-color-scheme: dark) {
:root { color: #ddd; background: #16181b; --line: #3a3d42; --pass: #4cc270; --fail: #ff7b72; --note: #e0a84a; --less: #a5a8ad }
svg [fill="${INK}"] { fill: #ccc } svg [stroke="${INK}"] { stroke: #aaa } svg [stroke="${GRID}"] { stroke: #3a3d42 }
svg [fill="${COLOURS[0]}"] { fill: #8096ff } svg [stroke="${COLOURS[0]}"] { stroke: #8096ff }
}
`;
/** Nothing is fetched and nothing runs, whatever a name or a title holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export async function htmlPage(title: string, body: Part): Promise<string> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `;
  return (await page).toString();
}

export const picture = (svg: Part): Part => html`<div>${svg}</div>`;

export function table(head: readonly string[], rows: readonly (readonly (string | Part)[])[]): Part {
  return html`<table>
    <tr>
      ${head.map((cell) => html`<th>${cell}</th>`)}
    </tr>
    ${rows.map(
      (row) =>
        html`<tr>
          ${row.map((cell) => html`<td>${cell}</td>`)}
        </tr>`,
    )}
  </table>`;
}
