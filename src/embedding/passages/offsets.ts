/** Places in a text as it is embedded → places in the text of the row, in characters as PostgreSQL counts them. */

import { placeholderOf, type Mask } from '../../masking/masker.ts';
import type { Stretch } from './cut-passages.ts';

/** Where each placeholder stands in the masked text. @param masks sorted, as the finder gives them */
export function placeholders(masks: readonly Mask[]): Stretch[] {
  let shift = 0;
  return masks.map(({ start, end, name }) => {
    const length = placeholderOf(name).length;
    const place = { start: start + shift, end: start + shift + length };
    shift += length - (end - start);
    return place;
  });
}

/**
 * Stretches of the masked text as stretches of the text itself. One that begins or ends inside a placeholder has all of the
 * value that it stands for.
 */
export function unmasked(stretches: readonly Stretch[], masks: readonly Mask[]): Stretch[] {
  if (masks.length === 0) return [...stretches];
  const places = placeholders(masks);
  const original = (at: number, isEnd: boolean): number => {
    let low = 0;
    let high = places.length;
    // The first one that is not all before it.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((places[middle] as Stretch).end <= at) low = middle + 1;
      else high = middle;
    }
    const place = places[low];
    const mask = masks[low];
    if (place !== undefined && mask !== undefined && place.start < at) return isEnd ? mask.end : mask.start;
    const before = low - 1;
    return before < 0 ? at : at + (masks[before] as Mask).end - (places[before] as Stretch).end;
  };
  return stretches.map(({ start, end }) => ({ start: original(start, false), end: original(end, true) }));
}

/** UTF-16 units → characters: what JavaScript keeps as two is one to PostgreSQL. In one pass. */
export function inCharacters(text: string, stretches: readonly Stretch[]): Stretch[] {
  const places = [...new Set(stretches.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) => a - b);
  const characters = new Map<number, number>();
  let pairs = 0;
  let from = 0;
  for (const place of places) {
    for (; from < place; from++) {
      const unit = text.charCodeAt(from);
      // The first half of a pair, of which the second is still before the place.
      if (unit >= 0xd800 && unit < 0xdc00 && from + 1 < place && isSecondHalf(text, from + 1)) pairs++;
    }
    characters.set(place, place - pairs);
  }
  return stretches.map(({ start, end }) => ({
    start: characters.get(start) ?? start,
    end: characters.get(end) ?? end,
  }));
}

function isSecondHalf(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Characters → bytes of UTF-8, as a server counts that knows of no encoding. In one pass. */
export function inBytes(text: string, stretches: readonly Stretch[]): Stretch[] {
  const places = [...new Set(stretches.flatMap(({ start, end }) => [start, end]))].toSorted((a, b) => a - b);
  const bytes = new Map<number, number>();
  let [characters, units, sum] = [0, 0, 0];
  for (const place of places) {
    const from = units;
    for (; characters < place && units < text.length; characters++)
      units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
    sum += Buffer.byteLength(text.slice(from, units));
    bytes.set(place, sum);
  }
  return stretches.map(({ start, end }) => ({
    start: bytes.get(start) ?? start,
    end: bytes.get(end) ?? end,
  }));
}
