/** From options in the shape of the configuration file to their paths, and to objects of their values in that shape. */

import type { Declared, OptionScope } from './option.ts';

export type ValueOf<D> = D extends Declared<infer T, OptionScope> ? T : never;

/** Of an option, or of all in a section. */
export type ScopeOf<S> = S extends Declared<unknown, infer Scope> ? Scope : ScopeOf<S[keyof S]>;

/** `model.longText` and so on. */
export type PathOf<S> = {
  [K in keyof S & string]: S[K] extends Declared<unknown, OptionScope> ? K : `${K}.${PathOf<S[K]>}`;
}[keyof S & string];

export type DeclaredAt<S, P> = P extends `${infer Head}.${infer Rest}`
  ? Head extends keyof S
    ? DeclaredAt<S[Head], Rest>
    : never
  : P extends keyof S
    ? S[P]
    : never;

/** Every value, where each has one. */
export type Values<S> = {
  readonly [K in keyof S]: S[K] extends Declared<infer T, OptionScope> ? T : Values<S[K]>;
};

/** What may be given of one scope. */
export type Given<S, Scope extends OptionScope> = {
  [K in keyof S as ScopeOf<S[K]> extends Scope ? K : never]?: S[K] extends Declared<infer T, OptionScope>
    ? T
    : Given<S[K], Scope>;
};

/** What is at that path; undefined where nothing is. */
export function valueAt(shape: object, path: string): unknown {
  let value: unknown = shape;
  for (const part of path.split('.')) value = isGroup(value) ? value[part] : undefined;
  return value;
}

/** A copy with other values at those paths, frozen; one that is undefined only makes sure of the groups above it. */
export function withValues<S extends object>(
  shape: S,
  values: Iterable<readonly [path: string, value: unknown]>,
): S {
  const copy: Record<string, unknown> = Object.fromEntries(Object.entries(shape));
  const groups = new Map<string, [rest: string, value: unknown][]>();
  for (const [path, value] of values) {
    const dot = path.indexOf('.');
    if (dot === -1) {
      if (value === undefined) delete copy[path];
      else copy[path] = value;
      continue;
    }
    const [group, rest] = [path.slice(0, dot), path.slice(dot + 1)];
    groups.set(group, [...(groups.get(group) ?? []), [rest, value]]);
  }
  for (const [group, inner] of groups) {
    const before = copy[group];
    copy[group] = withValues(isGroup(before) ? before : {}, inner);
  }
  return Object.freeze(copy) as S;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
