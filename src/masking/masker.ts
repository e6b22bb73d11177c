/** Replaces personal data and secrets by placeholders, before a text is tokenised. Pure: no input, no output, no log. */

import { DETECTORS } from './detectors.ts';
import { maskPolicyVersion, type MaskPolicy } from './policy.ts';
import { MaskTooSlow, RULE_SECONDS, RuleClock, compileRule } from './rules.ts';
import { mergeSpans, type Finder, type Span } from './span.ts';

export interface MaskedText {
  /** The very same string where nothing was found. */
  text: string;
  /** Values masked, by type or rule; a type without any is not there. Never the values. */
  counts: Record<string, number>;
}

export interface Masker {
  readonly version: string;
  /** Both throw MaskTooSlow where a rule of the operator's does not come to its end. */
  mask(text: string): MaskedText;
  /** What is masked, by its place: sorted, without overlaps. */
  find(text: string): Mask[];
}

/** One value that was masked, by its place in the text as it was. */
export interface Mask extends Span {
  /** Type or name of the rule. */
  name: string;
}

interface Step {
  name: string;
  find: Finder;
  needsDigit: boolean;
}

/** A stretch of text that is still in sight of the detectors, by its place in the whole. */
type Stretch = Span;

/**
 * A value may show only when its neighbour is gone (the digits beside a masked number): a text where something was
 * found is looked at again. More rounds than this would let a hostile text buy time without end.
 */
const MAX_ROUNDS = 4;

export const placeholderOf = (name: string): string => `[${name.toUpperCase()}]`;

/** @throws ConfigError where a rule cannot be used. */
export function createMasker(policy: MaskPolicy, ruleSeconds = RULE_SECONDS): Masker {
  const find = createFinder(policy, ruleSeconds);
  return {
    version: maskPolicyVersion(policy),
    find,
    mask(text) {
      const masks = find(text);
      if (masks.length === 0) return { text, counts: {} };
      return { text: applyMasks(text, masks), counts: countMasks(masks) };
    },
  };
}

/** Null where a rule took too long on it: such a text must not be embedded. */
export function tryMask(masker: Pick<Masker, 'mask'>, text: string): MaskedText | null {
  try {
    return masker.mask(text);
  } catch (error) {
    if (error instanceof MaskTooSlow) return null;
    throw error;
  }
}

/** Where a policy masks a text: sorted, without overlaps. For showing what a masker does. The finder throws MaskTooSlow. */
export function createFinder(policy: MaskPolicy, ruleSeconds = RULE_SECONDS): (text: string) => Mask[] {
  const clock = new RuleClock(ruleSeconds);
  const steps = stepsOf(policy, clock);
  if (steps.length === 0) return () => [];
  const placeholders = placeholderPattern(steps);
  return (text) => {
    clock.start();
    const hasDigit = /\d/.test(text);
    const active = hasDigit ? steps : steps.filter((step) => !step.needsDigit);
    let stretches = outside(text, placeholders);
    const masks: Mask[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const before = masks.length;
      for (const step of active) stretches = look(text, stretches, step, masks);
      if (masks.length === before) break;
    }
    return masks.sort((a, b) => a.start - b.start);
  };
}

/** The text with its placeholders. */
export function applyMasks(text: string, masks: readonly Mask[]): string {
  let masked = '';
  let from = 0;
  for (const { start, end, name } of masks) {
    masked += text.slice(from, start) + placeholderOf(name);
    from = end;
  }
  return masked + text.slice(from);
}

/** By type or rule, those without any left out. A map on the way: a rule may be called `constructor`. */
export function countMasks(masks: readonly Mask[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of masks) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function stepsOf(policy: MaskPolicy, clock: RuleClock): Step[] {
  const types = new Set(policy.types);
  const builtIn = DETECTORS.filter(({ type }) => types.has(type)).map(({ type, find, needsDigit }) => ({
    name: type,
    find,
    needsDigit,
  }));
  // Behind the built-in ones: a rule that takes a part of an address would leave the rest of it to be read.
  const own = policy.rules.map((rule, at) => ({
    name: rule.name,
    find: compileRule(rule, policy.rules.slice(0, at), clock),
    needsDigit: false,
  }));
  return [...builtIn, ...own];
}

/** Placeholders of this policy that a text has already are as good as placed: masking twice changes nothing. */
function placeholderPattern(steps: readonly Step[]): RegExp {
  const names = [...new Set(steps.map(({ name }) => name.toUpperCase()))];
  return new RegExp(`\\[(?:${names.join('|')})\\]`, 'g');
}

function outside(text: string, placeholders: RegExp): Stretch[] {
  if (!text.includes('[')) return [{ start: 0, end: text.length }];
  const placed = Array.from(text.matchAll(placeholders), (found) => ({
    start: found.index,
    end: found.index + found[0].length,
  }));
  return cut({ start: 0, end: text.length }, placed);
}

/** One detector over what is in sight; what it finds goes to `masks` and out of sight. */
function look(text: string, stretches: readonly Stretch[], step: Step, masks: Mask[]): Stretch[] {
  const left: Stretch[] = [];
  for (const stretch of stretches) {
    const { start, end } = stretch;
    const whole = start === 0 && end === text.length;
    const found = mergeSpans(step.find(whole ? text : text.slice(start, end)));
    if (found.length === 0) {
      left.push(stretch);
      continue;
    }
    const spans = found.map((span) => ({ start: start + span.start, end: start + span.end }));
    for (const span of spans) masks.push({ ...span, name: step.name });
    for (const piece of cut(stretch, spans)) left.push(piece);
  }
  return left;
}

/** What remains of a stretch; empty pieces are dropped. */
function cut(stretch: Stretch, spans: readonly Span[]): Stretch[] {
  const pieces: Stretch[] = [];
  let from = stretch.start;
  for (const span of spans) {
    if (span.start > from) pieces.push({ start: from, end: span.start });
    from = span.end;
  }
  if (from < stretch.end) pieces.push({ start: from, end: stretch.end });
  return pieces;
}
