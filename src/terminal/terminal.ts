/** What a terminal can take: its width, colours, and a reader that has gone. */

import { styleText } from 'node:util';
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

/**
 * What a terminal does not print but obeys (it moves the cursor, sets the clipboard, hides what follows), and what turns
 * the order of a line around, so that it is read as another: of C0 all but line ends and tabs, DEL, C1, separators of lines
 * and controls of direction. Titles, keys and names of the operator's table are printed, and anybody may have written them.
 */
const CONTROLS =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]/g;

/** With a mark in the place of each. */
export const printable = (text: string): string => text.replaceAll(CONTROLS, '\ufffd');

/** JSON of it, with controls as escapes: the same value to whoever parses it, and nothing that a terminal obeys. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    CONTROLS,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export type Colour = Parameters<typeof styleText>[0];

/** `text` as it is where colours are not wanted (https://no-color.org). */
export function coloured(text: string, colour: Colour | null, env: NodeJS.ProcessEnv = process.env): string {
  const isPlain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  // The check of the stream would be of stdout, which need not be the one that is written to.
  return colour === null || isPlain ? text : styleText(colour, text, { validateStream: false });
}

/** Of a pipe that nobody reads, and of a terminal that was closed. */
const UNREAD = ['EPIPE', 'EIO'];

/**
 * `pgvector-backfill status | head -1`: what is printed for people may go unread, and work under way goes on all the same. Without
 * this the first line too many ends the process with a stack trace.
 */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!UNREAD.includes(error.code ?? '')) throw error;
    });
}
