/**
 * What a piece of SQL does beyond its answer, as far as the gateway has to know: does it want COPY data, does it
 * change session settings, does it LISTEN. Recognised by the words that open a statement; strings, comments and
 * dollar quotes are skipped, so that text inside them is not taken for a command.
 */

export type ListenChange = { kind: 'listen' | 'unlisten'; channel: string } | { kind: 'unlisten-all' };

export interface Effects {
  /** Format of a COPY … FROM STDIN, null where there is none. */
  copyIn: 'text' | 'binary' | null;
  /** SET, RESET, DISCARD or set_config that outlives the transaction. */
  settings: boolean;
  listens: readonly ListenChange[];
}

export const NO_EFFECTS: Effects = { copyIn: null, settings: false, listens: [] };

/** Most statements have none of these words, and are not looked at further. */
const WORTH_A_LOOK = /\b(?:copy|listen|unlisten|set|reset|discard|set_config)\b/i;
/** PostgreSQL cuts longer channel names in silence (NAMEDATALEN - 1). */
const MAX_NAME_BYTES = 63;
const IDENTIFIER = String.raw`("(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const LISTEN = new RegExp(String.raw`^(un)?listen\s+(?:(\*)|${IDENTIFIER})\s*$`, 'iu');
/** The forms that end with the transaction change nothing for the next one. */
const TRANSIENT_SET = /^set\s+(?:local|transaction|constraints)\b/i;
const LOCAL_SET_CONFIG = /\bset_config\s*\([^()]*,\s*true\s*\)/gi;

export function effectsOf(sql: string): Effects {
  if (!WORTH_A_LOOK.test(sql)) return NO_EFFECTS;
  return joinEffects(splitStatements(sql).map((statement) => effectsOfStatement(statement)));
}

export function joinEffects(all: readonly Effects[]): Effects {
  return {
    copyIn: all.find((each) => each.copyIn !== null)?.copyIn ?? null,
    settings: all.some((each) => each.settings),
    listens: all.flatMap((each) => each.listens),
  };
}

function effectsOfStatement(statement: string): Effects {
  const listen = LISTEN.exec(statement);
  if (listen !== null) return { ...NO_EFFECTS, listens: [listenChange(listen)] };
  if (/^copy\b/i.test(statement) && /\bfrom\s+stdin\b/i.test(statement)) {
    return {
      ...NO_EFFECTS,
      copyIn: /\bbinary\b/i.test(statement.replace(/"[^"]*"/g, '""')) ? 'binary' : 'text',
    };
  }
  const settings =
    (/^(?:set|reset|discard)\b/i.test(statement) && !TRANSIENT_SET.test(statement)) ||
    /\bset_config\s*\(/i.test(statement.replace(LOCAL_SET_CONFIG, ''));
  const listens: ListenChange[] = /^discard\s+all\b/i.test(statement) ? [{ kind: 'unlisten-all' }] : [];
  return { copyIn: null, settings, listens };
}

function listenChange(match: RegExpExecArray): ListenChange {
  const [, un, star, identifier = ''] = match;
  if (star !== undefined) return { kind: 'unlisten-all' };
  const channel = identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"')
    : identifier.toLowerCase();
  return { kind: un === undefined ? 'listen' : 'unlisten', channel: cutName(channel) };
}

function cutName(name: string): string {
  let cut = Array.from(name);
  while (Buffer.byteLength(cut.join('')) > MAX_NAME_BYTES) cut = cut.slice(0, -1);
  return cut.join('');
}

/** Statements without comments, and with all strings but the words of COPY's options emptied. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current = '';
  let at = 0;
  while (at < sql.length) {
    const special = /['";]|--|\/\*|\$[A-Za-z_\u0080-\uffff]?[\w\u0080-\uffff]*\$/g;
    special.lastIndex = at;
    const match = special.exec(sql);
    if (match === null) break;
    current += sql.slice(at, match.index);
    const start = match.index;
    const [token] = match;
    if (token === ';') {
      statements.push(current);
      current = '';
      at = start + 1;
    } else if (token === '--') {
      at = endOfToken(sql, '\n', start + 2);
      current += ' ';
    } else if (token === '/*') {
      at = endOfComment(sql, start);
      current += ' ';
    } else if (token === "'") {
      at = endOfString(sql, start, /(?:^|\W)e$/i.test(sql.slice(Math.max(0, start - 2), start)));
      const literal = sql.slice(start, at);
      current += /^'\w{1,10}'$/.test(literal) ? literal : "''";
    } else if (token === '"') {
      at = endOfQuoted(sql, '"', start + 1);
      current += sql.slice(start, at);
    } else if (/[\w$]/.test(sql[start - 1] ?? '')) {
      // A dollar sign inside an identifier (a$b$c) opens nothing.
      current += '$';
      at = start + 1;
    } else {
      at = endOfToken(sql, token, start + token.length);
      current += "''";
    }
  }
  statements.push(current + sql.slice(at));
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

function endOfToken(sql: string, token: string, from: number): number {
  const found = sql.indexOf(token, from);
  return found === -1 ? sql.length : found + token.length;
}

/** Behind the closing quote; a doubled quote closes and opens again, which comes to the same. */
function endOfQuoted(sql: string, quote: string, from: number): number {
  let at = endOfToken(sql, quote, from);
  while (sql[at] === quote) at = endOfToken(sql, quote, at + 1);
  return at;
}

function endOfString(sql: string, start: number, escapes: boolean): number {
  if (!escapes) return endOfQuoted(sql, "'", start + 1);
  let at = start + 1;
  while (at < sql.length && !(sql[at] === "'" && sql[at + 1] !== "'")) {
    at += sql[at] === '\\' || sql[at] === "'" ? 2 : 1;
  }
  return Math.min(at + 1, sql.length);
}

/** Comments nest in PostgreSQL. */
function endOfComment(sql: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let match = mark.exec(sql); match !== null; match = mark.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
