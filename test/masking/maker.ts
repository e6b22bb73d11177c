/** Random parts of strings, and check digits by their published algorithms. */

export const DIGITS = '0123456789';
export const LOWER = 'abcdefghijklmnopqrstuvwxyz';
export const UPPER = LOWER.toUpperCase();
export const HEX = '0123456789abcdef';

export class Maker {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** From `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  of<T>(all: readonly T[]): T {
    return all[this.int(0, all.length - 1)] as T;
  }

  chars(alphabet: string, length: number): string {
    return Array.from({ length }, () => alphabet[this.int(0, alphabet.length - 1)]).join('');
  }

  digits(length: number): string {
    return this.chars(DIGITS, length);
  }

  /** Begins with a letter, ends with a letter or digit, and has both: as drawn keys do, and never words alone. */
  key(length: number, alphabet = `${LOWER}${UPPER}${DIGITS}`): string {
    return `${this.chars(LOWER, 1)}${this.digits(1)}${this.chars(alphabet, length - 4)}${this.digits(1)}${this.chars(LOWER, 1)}`;
  }

  padded(number: number, length: number): string {
    return String(number).padStart(length, '0');
  }
}

/** ISO/IEC 7812: `head` with its check digit. */
export function withLuhn(head: string): string {
  let sum = 0;
  for (const [at, digit] of Array.from(head).toReversed().entries()) {
    const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
    sum += Math.floor(value / 10) + (value % 10);
  }
  return `${head}${(10 - (sum % 10)) % 10}`;
}

/** ISO 13616: country, check digits and the country's own number. */
export function withIbanCheck(country: string, own: string): string {
  let rest = 0;
  for (const character of `${own}${country}00`)
    for (const digit of String(parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return `${country}${String(98 - rest).padStart(2, '0')}${own}`;
}

/** Groups of the sizes given, the last of which goes on to the end. */
export function grouped(text: string, sizes: readonly number[], gap: string): string {
  const groups: string[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= text.length) break;
    groups.push(text.slice(at, at + size));
    at += size;
  }
  if (at < text.length) groups.push(text.slice(at));
  return groups.join(gap);
}
