/** What a terminal can take: characters, colours, and a reader that has gone. */

import { styleText } from 'node:util';

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
