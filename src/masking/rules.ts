/** The operator's own masks, by RE2: a pattern cannot be written that takes exponential time on some row. */

import { RE2JS } from 're2js';
import { optionName } from '../config/option-name.ts';
import { MASK_TYPES } from '../config/options/mask.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { MaskRule } from './policy.ts';
import type { Finder, Span } from './span.ts';

/** Texts in which a pattern such as \b, ^ or x* has an empty match. */
const PROBES = ['', 'a', 'a b', '1-A\n\u00e4'];

/**
 * Time of all rules over one text. Each search takes time linear in the text, but there is one for each match, and a
 * pattern with `.*` may go to the end of the text for every one of them.
 */
export const RULE_SECONDS = 2;

/** Set again for each text. */
export class RuleClock {
  readonly #seconds: number;
  #deadline = 0;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  start(): void {
    this.#deadline = performance.now() + this.#seconds * 1000;
  }

  /** @throws MaskTooSlow */
  check(rule: string): void {
    if (performance.now() > this.#deadline) throw new MaskTooSlow(rule, this.#seconds);
  }
}

/** A rule did not come to its end; nothing of the text may be used. */
export class MaskTooSlow extends Error {
  constructor(rule: string, seconds: number) {
    super(`the masking rule ${rule} did not end within the ${seconds} s that the rules have for one text`);
  }
}

/**
 * The finder throws MaskTooSlow.
 * @throws ConfigError where a rule cannot be used; its pattern may be shown, it is no row's text
 */
export function compileRule(rule: MaskRule, earlier: readonly MaskRule[], clock: RuleClock): Finder {
  if ((MASK_TYPES as readonly string[]).includes(rule.name))
    throw refusal(rule, 'has the name of a built-in type', 'Give the rule another name.');
  if (earlier.some((other) => other.name === rule.name))
    throw refusal(rule, 'is there twice', 'Give each rule a name of its own.');
  const pattern = compile(rule);
  clock.start();
  if (
    PROBES.some((probe) => findAll(pattern, probe, rule.name, clock).some(({ start, end }) => start === end))
  ) {
    throw refusal(
      rule,
      'has a pattern that matches the empty string',
      'Make some part of the pattern obligatory, such as + in place of *.',
    );
  }
  return (text) => findAll(pattern, text, rule.name, clock).filter(({ start, end }) => start < end);
}

function compile(rule: MaskRule): RE2JS {
  try {
    return RE2JS.compile(rule.pattern, rule.ignoreCase === true ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    throw refusal(
      rule,
      `has a pattern that RE2 does not take (${messageOf(error)})`,
      'Write the pattern in RE2 syntax: without back-references and look-around; in JSON each backslash is doubled.',
      error,
    );
  }
}

function findAll(pattern: RE2JS, text: string, rule: string, clock: RuleClock): Span[] {
  const spans: Span[] = [];
  const matcher = pattern.matcher(text);
  while (matcher.find()) {
    spans.push({ start: matcher.start(), end: matcher.end() });
    clock.check(rule);
  }
  return spans;
}

const refusal = (rule: MaskRule, problem: string, remedy: string, cause?: unknown): ConfigError =>
  new ConfigError(`Option ${optionName('mask.rules')}: the rule ${rule.name} ${problem}.`, {
    code: 'MASK_RULE',
    remedy,
    cause,
  });
