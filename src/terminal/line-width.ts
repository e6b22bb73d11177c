/** Lines as wide as a terminal. Apart, as what wraps them takes longer to load than most verbs print. */

import wrapAnsi from 'wrap-ansi';

/** Where the terminal does not say, as under `script`. */
const USUAL_COLUMNS = 80;
const MIN_COLUMNS = 20;

/** A line of so many columns does not wrap. */
export function lineWidth({ columns }: Pick<NodeJS.WriteStream, 'columns'>): number {
  return Math.max(MIN_COLUMNS, (columns > 0 ? columns : USUAL_COLUMNS) - 1);
}

/** At spaces, and within words that are wider than a line. A character takes the columns that a terminal gives it: two in many scripts. */
export const wrapped = (text: string, width: number): string[] =>
  wrapAnsi(text, width, { hard: true, trim: false })
    .split('\n')
    .map((line, at) => (at === 0 ? line : line.trimStart()).trimEnd());

/** How much of a whole: `share` from 0 to 1, in so many columns. */
export function barOf(share: number, width: number): string {
  const filled = Math.round(share * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/** In the place of the line that stands there, and no wider than the terminal: a line that wrapped would be left behind. */
export const redrawn = (stream: Pick<NodeJS.WriteStream, 'columns'>, text: string): string =>
  `\r\u001B[2K${wrapAnsi(text, lineWidth(stream), { hard: true, wordWrap: false, trim: false }).split('\n', 1).join('')}`;
