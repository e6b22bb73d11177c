/** What separates the fields of a table in a file: told by its header row. */

const DELIMITERS = [',', ';', '\t', '|'] as const;
/** Spreadsheets may name it in a line of its own. */
const NAMED = /^\uFEFF?sep=(.)\r?\n/i;
/** A header is shorter; what is not ends the search. */
const MAX_HEADER = 64 * 1024;

export interface Delimited {
  delimiter: string;
  /** Lines that were left out in front. */
  skipped: number;
  /** The text, all of it but those. */
  whole: AsyncGenerator<string>;
}

export async function withDelimiter(text: AsyncIterable<string>): Promise<Delimited> {
  const rest = text[Symbol.asyncIterator]();
  let beginning = '';
  let isEnd = false;
  while (!isEnd && beginning.length < MAX_HEADER && headerOf(beginning) === null) {
    const next = await rest.next();
    isEnd = next.done === true;
    if (!isEnd) beginning += next.value as string;
  }
  const named = NAMED.exec(beginning);
  const kept = named === null ? beginning : beginning.slice(named[0].length);
  async function* whole(): AsyncGenerator<string> {
    yield kept;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  }
  return {
    delimiter: named?.[1] ?? maxFrequent(headerOf(kept) ?? kept),
    skipped: named === null ? 0 : 1,
    whole: whole(),
  };
}

/** The first line that is not empty, to its end, without what is quoted; null where the end is not there yet. */
function headerOf(text: string): string | null {
  const [, quoted] = /^\s*((?:"(?:[^"]|"")*"|[^"\n])*)\n/.exec(text.replace(NAMED, '')) ?? [];
  return quoted === undefined ? null : quoted.replaceAll(/"(?:[^"]|"")*"/g, '');
}

/** A comma where there is none, or as many of several. */
function maxFrequent(header: string): string {
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}
