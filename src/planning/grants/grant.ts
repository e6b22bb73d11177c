/** What an administrator would have to do for this role, as `doctor --grants` prints it. */

export interface Grant {
  /** One statement, without its semicolon. */
  sql: string;
  /** What it is for. */
  reason: string;
  /** Where it is to be run: in the table's database, or in that of the queue. */
  where: 'database' | 'queue';
  /** All works without it. */
  optional: boolean;
}

export interface Grants {
  grants: Grant[];
  /** What keeps the role from its work and is no matter of a grant, in sentences. */
  notes: string[];
}

export const needed = (reason: string, statements: readonly string[]): Grant[] =>
  statements.map((sql) => ({ sql, reason, where: 'database', optional: false }));
