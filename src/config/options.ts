/**
 * The option table: every option of the product is declared in a file of `options/`, and nowhere else. They stand here in
 * the shape of the configuration file; the place of an option is its name.
 */

import { optionAt, isDeclared, type Option, type OptionScope } from './option.ts';
import { adopt } from './options/adopt.ts';
import { batch, worker } from './options/batch.ts';
import { connection } from './options/connection.ts';
import { dashboard } from './options/dashboard.ts';
import { health, metrics } from './options/health.ts';
import { index } from './options/index-build.ts';
import { mask } from './options/mask.ts';
import { model } from './options/model.ts';
import { legacy, search } from './options/search.ts';
import { sync } from './options/sync.ts';
import { table } from './options/table.ts';
import { throttle } from './options/throttle.ts';
import { verify } from './options/verify.ts';
import { watch } from './options/watch.ts';
import type { DeclaredAt, PathOf, ScopeOf, ValueOf } from './shape.ts';

const SHAPE = {
  ...connection,
  dashboard,
  metrics,
  health,
  ...table,
  model,
  mask,
  adopt,
  ...batch,
  worker,
  sync,
  throttle,
  index,
  verify,
  watch,
  search,
  ...legacy,
};
export type OptionShape = typeof SHAPE;

/** Such as `model.longText`: the key in the file, and the one name of the option everywhere. */
export type OptionPath = PathOf<OptionShape>;

type AnyOption = Option<unknown, OptionScope, OptionPath>;

/** By their paths, in the order of help and documents. */
export const OPTIONS = Object.fromEntries(
  declared(SHAPE, '').map((each) => [each.path, each]),
) as unknown as {
  readonly [P in OptionPath]: Option<
    ValueOf<DeclaredAt<OptionShape, P>>,
    ScopeOf<DeclaredAt<OptionShape, P>>,
    P
  >;
};
export const OPTION_PATHS = Object.keys(OPTIONS) as OptionPath[];

/** Of all backfills, or of one. */
export const optionsOf = (scope: OptionScope): AnyOption[] =>
  (Object.values(OPTIONS) as unknown as AnyOption[]).filter((each) => each.scope === scope);

function declared(shape: object, before: string): Option[] {
  return Object.entries(shape).flatMap(([name, each]: [string, object]) =>
    isDeclared(each) ? [optionAt(before + name, each)] : declared(each, `${before}${name}.`),
  );
}
