/** BullMQ's SQL has dashes and arrows in its comments, which a database in another encoding than UTF8 refuses. */

import type pg from 'pg';
import { asciiText } from '../../db/utf8-text.ts';

/** By the statement as BullMQ has it: each is sent thousands of times. */
const known = new Map<string, string>();

function ascii(sql: string): string {
  const done = known.get(sql) ?? asciiText(sql);
  known.set(sql, done);
  return done;
}

export const ENCODING_SQL = 'SELECT pg_catalog.getdatabaseencoding() AS encoding';

/**
 * Whatever is asked of the client from here on is in ASCII, where its database needs that; values are sent as they are.
 * @param said what it has answered to a message that ends with `ENCODING_SQL`; null where it has not
 */
export function sendAscii(client: pg.ClientBase, said: unknown): void {
  const last = (said as pg.QueryResult<{ encoding?: string }>[] | null)?.at(-1);
  if (['UTF8', 'SQL_ASCII'].includes(last?.rows[0]?.encoding ?? 'UTF8')) return;
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  client.query = ((asked: unknown, ...rest: unknown[]) => {
    if (typeof asked === 'string') return query(ascii(asked), ...rest);
    const statement = asked as { text?: unknown; submit?: unknown };
    // What hands itself over to the server, such as a cursor, is left as it is.
    return typeof statement.text !== 'string' || statement.submit !== undefined
      ? query(asked, ...rest)
      : query({ ...statement, text: ascii(statement.text) }, ...rest);
  }) as typeof client.query;
}
