/**
 * A regular expression of a tokenizer.json (Oniguruma's syntax) as one of JavaScript's. What tokenizers use is translated,
 * anything else refused: a pattern that is nearly understood cuts texts nearly as the model's own tokenizer does.
 */

const SPACE = String.raw`\p{White_Space}`;
const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}`;
/** Outside of classes these are of a word too. */
const ALSO_WORD = String.raw`\u00b2\u00b3\u00b9\u00bc-\u00be`;
const SHORTHANDS: Record<string, string> = {
  s: SPACE,
  S: String.raw`\P{White_Space}`,
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
  h: '[0-9A-Fa-f]',
};
const CONTROLS: Record<string, string> = { n: '\\n', r: '\\r', t: '\\t', f: '\\f', v: '\\v' };
/** Letters that a search without case finds in other alphabets too. */
const FOLDS: Record<string, string> = { s: 'ſ', k: '\u212a' };

/** @throws Error that says what of the pattern is not understood */
export function javascriptRegex(pattern: string): RegExp {
  const source = new Translator(pattern).translate();
  try {
    return new RegExp(source, 'gv');
  } catch (error) {
    throw new Error(`the regular expression ${JSON.stringify(pattern)} cannot be used`, { cause: error });
  }
}

class Translator {
  readonly #pattern: string;
  #at = 0;
  /** Groups made for possessive quantifiers. */
  #groups = 0;
  readonly #output: string[] = [];
  /** Where the last atom begins in the output, and whether a group that ends ignores case. */
  #atom = -1;
  readonly #open: { at: number; ignoreCase: boolean }[] = [];
  #ignoreCase = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): string {
    while (this.#at < this.#pattern.length) this.#next();
    if (this.#open.length > 0) throw this.#refusal('(');
    return this.#output.join('');
  }

  #next(): void {
    const rest = this.#pattern.slice(this.#at);
    const group = /^\((?:\?(?:i:|:|=|!|<=|<!))?/.exec(rest)?.[0];
    if (group !== undefined) return this.#openGroup(group);
    const quantifier = /^(?:[*+?]|\{\d*,?\d*\})/.exec(rest)?.[0];
    if (quantifier !== undefined) return this.#quantify(quantifier);
    const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (character === ')') return this.#closeGroup();
    if (character === '|') {
      this.#take('|');
      this.#output.push('|');
      this.#atom = -1;
      return;
    }
    if (character === '[') return this.#emit(this.#characterClass());
    if (character === '\\') return this.#emit(this.#escape(true));
    this.#take(character);
    // Lines and not the text, in Oniguruma's syntax.
    if (character === '^') return this.#emit('(?<![^\\n])');
    if (character === '$') return this.#emit('(?![^\\n])');
    if (character === '.') return this.#emit('[^\\n]');
    return this.#emit(this.#literal(character));
  }

  #emit(atom: string): void {
    this.#atom = this.#output.length;
    this.#output.push(atom);
  }

  #take(text: string): void {
    this.#at += text.length;
  }

  #openGroup(group: string): void {
    this.#take(group);
    if (group === '(' && this.#pattern[this.#at] === '?') throw this.#refusal('(?');
    this.#open.push({ at: this.#output.length, ignoreCase: this.#ignoreCase });
    if (group === '(?i:') this.#ignoreCase = true;
    // Nothing refers to a group: only those of ours count.
    this.#output.push(group === '(' || group === '(?i:' ? '(?:' : group);
    this.#atom = -1;
  }

  #closeGroup(): void {
    const group = this.#open.pop();
    if (group === undefined) throw this.#refusal(')');
    this.#take(')');
    this.#output.push(')');
    this.#atom = group.at;
    this.#ignoreCase = group.ignoreCase;
  }

  #quantify(quantifier: string): void {
    if (this.#atom < 0 || quantifier === '{}' || quantifier === '{,}') throw this.#refusal(quantifier);
    this.#take(quantifier);
    const counted = quantifier.startsWith('{');
    const plain = quantifier.startsWith('{,') ? `{0${quantifier.slice(1)}` : quantifier;
    const suffix = this.#pattern[this.#at];
    const atom = this.#output.splice(this.#atom).join('');
    if (suffix === '+' && !counted) {
      this.#take('+');
      // Atomic: a look-ahead does not try again, and what it found is what follows.
      this.#groups++;
      this.#output.push(`(?:(?=(${atom}${plain}))\\${this.#groups})`);
    } else if (suffix === '+') {
      // Not possessive in this syntax, but once or more of what is counted.
      this.#take('+');
      this.#output.push(`(?:${atom}${plain})+`);
    } else if (suffix === '?' && (!counted || /,/.test(quantifier))) {
      this.#take('?');
      this.#output.push(`${atom}${plain}?`);
    } else if (suffix !== undefined && /[?*+{]/.test(suffix)) throw this.#refusal(quantifier + suffix);
    else this.#output.push(atom + plain);
    // A quantifier of a quantified atom means something else in each syntax.
    this.#atom = -1;
  }

  #literal(character: string): string {
    if (this.#ignoreCase && /\p{L}/u.test(character)) {
      const lower = character.toLowerCase();
      return `[${lower}${character.toUpperCase()}${FOLDS[lower] ?? ''}]`;
    }
    return escaped(character);
  }

  #escape(outside: boolean): string {
    const rest = this.#pattern.slice(this.#at);
    const property = /^\\([pP])\{(\^?)(\w+)\}/.exec(rest);
    if (property !== null) {
      this.#take(property[0]);
      const negated = (property[1] === 'P') !== (property[2] === '^');
      return `\\${negated ? 'P' : 'p'}{${this.#propertyName(property[3] ?? '')}}`;
    }
    const code = /^\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
    if (code !== null) {
      this.#take(code[0]);
      return this.#literal(String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16)));
    }
    const letter = rest[1] ?? '';
    this.#take(`\\${letter}`);
    if (/[^\p{L}\p{N}]/u.test(letter)) return escaped(letter);
    const meaning = Object.hasOwn(SHORTHANDS, letter) ? SHORTHANDS[letter] : CONTROLS[letter];
    if (meaning === undefined) throw this.#refusal(`\\${letter}`);
    if (outside && letter === 'w') return `[${WORD}${ALSO_WORD}]`;
    if (outside && letter === 'W') return `[^${WORD}${ALSO_WORD}]`;
    return meaning;
  }

  #propertyName(name: string): string {
    for (const candidate of [name, `Script=${name}`]) {
      try {
        // Throws where there is no such property.
        RegExp(`\\p{${candidate}}`, 'v');
        return candidate;
      } catch {
        // The next one, then.
      }
    }
    throw this.#refusal(`\\p{${name}}`);
  }

  #characterClass(): string {
    if (this.#ignoreCase) throw this.#refusal('a character class without case');
    this.#take('[');
    let inside = '';
    if (this.#pattern[this.#at] === '^') {
      this.#take('^');
      inside = '^';
    }
    for (let first = true; ; first = false) {
      const rest = this.#pattern.slice(this.#at);
      const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      if (rest === '' || rest.startsWith('[') || rest.startsWith('&&')) throw this.#refusal('[');
      if (character === ']' && !first) break;
      if (character === '\\') inside += this.#escape(false);
      else {
        this.#take(character);
        // A range, unless at either end.
        const range = character === '-' && !first && this.#pattern[this.#at] !== ']';
        inside += range ? '-' : escaped(character);
      }
    }
    this.#take(']');
    return `[${inside}]`;
  }

  #refusal(what: string): Error {
    return new Error(
      `the regular expression ${JSON.stringify(this.#pattern)} has ${what}, which is not supported`,
    );
  }
}

/** Everything but letters and digits by its number: what has a meaning differs in and outside of classes. */
export const escaped = (character: string): string =>
  /[\p{L}\p{N}]/u.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
