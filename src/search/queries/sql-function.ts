/** The function that `cutover` makes for those who write SQL: its name, and whose a function of that name is. */

import { backfillOf } from '../../config/values/generation-name.ts';
import { MAX_NAME_BYTES } from '../../config/values/name.ts';
import { cutTo, prefixedName, quoteName } from '../../db/identifiers.ts';
import type { Queryable } from '../../db/pool.ts';
import { trustedSql } from '../../db/trusted-roles.ts';
import type { Target } from '../../table/backfill-target.ts';

const BEGINNING = 'search_';
const MARK = 'pgvector-backfill search of';
const DIGEST_DIGITS = 16;

/** `search_<table>`, whichever generation answers; of a second backfill of the table `search_<table>_<column>`. */
export const searchFunctionName = (target: Target): string =>
  `${quoteName(target.schema)}.${quoteName(prefixedName(BEGINNING, baseName(target)))}`;

const baseName = ({ name, searchStem }: Target): string =>
  searchStem === '' ? name : `${name}_${searchStem}`;

/** With its parameters, as DROP and COMMENT want it. */
export const searchFunctionSignature = (target: Target): string =>
  signature(target, searchFunctionName(target));

const signature = (target: Target, name: string): string => `${name}(${target.vectorPrefix}vector, integer)`;

/**
 * Its comment: of which generation it is, by that one's name in the ledger, and of which definition. An earlier release knows no
 * name of a second one, and leaves such a function alone.
 */
export const searchFunctionMark = (name: string, digest: string): string =>
  `${MARK} ${name}, ${digest.slice(0, DIGEST_DIGITS)}`;

/** The generation that such a comment names; null of any other comment. */
export function generationOfMark(mark: string): string | null {
  const digest = mark.slice(-DIGEST_DIGITS);
  const rest = mark.slice(0, -DIGEST_DIGITS);
  if (!/^[0-9a-f]+$/.test(digest) || !rest.startsWith(`${MARK} `) || !rest.endsWith(', ')) return null;
  return rest.slice(MARK.length + 1, -2);
}

export interface PresentFunction {
  /** Quoted, with schema and parameters. */
  signature: string;
  /** Quoted, with its schema. */
  name: string;
  /** Its comment; empty where it has none. */
  mark: string;
  /** Name in the ledger of the generation by whose vectors it asks; null where it is not ours. */
  generation: string | null;
  /** Whether whoever owns it may run code as we do: nobody else's is run. */
  trusted: boolean;
  owner: string;
  /** Its body. */
  source: string;
}

/**
 * Functions that have the name, or the one that earlier releases gave: a long name was cut there and nothing more, so that two
 * tables could come to the same one.
 */
export async function presentFunctions(db: Queryable, target: Target): Promise<PresentFunction[]> {
  // Without the extension there is no such type, nor a function that takes it.
  if (target.vectorPrefix === '') return [];
  const cut = cutTo(`${BEGINNING}${baseName(target)}`, MAX_NAME_BYTES);
  const names = [...new Set([searchFunctionName(target), `${quoteName(target.schema)}.${quoteName(cut)}`])];
  const found: PresentFunction[] = [];
  for (const name of names) {
    const rows = await db.query<Omit<PresentFunction, 'name' | 'signature' | 'generation'>>(
      `SELECT coalesce(obj_description(p.oid, 'pg_proc'), '') AS mark,
              ${trustedSql('p.proowner', 'to_regclass($2)::oid')} AS trusted,
              p.prosrc AS source, pg_get_userbyid(p.proowner)::text AS owner
         FROM pg_proc p WHERE p.oid = to_regprocedure($1)`,
      [signature(target, name), target.table],
    );
    found.push(
      ...rows.rows.map((row) => ({
        ...row,
        name,
        signature: signature(target, name),
        generation: generationOfMark(row.mark),
      })),
    );
  }
  return found;
}

/** Those of this backfill, of whichever generation; the comment says so, which anybody may write: see `trusted`. */
export const ownFunctions = async (db: Queryable, target: Target): Promise<PresentFunction[]> =>
  (await presentFunctions(db, target)).filter(
    ({ generation }) => generation !== null && backfillOf(generation) === backfillOf(target.backfill),
  );
