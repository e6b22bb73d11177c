/** Before and after of a masked text, cut to what changed. */

import { placeholderOf, type Mask } from './masker.ts';

/** Characters shown on each side of a change. */
const CONTEXT = 160;

export interface Excerpt {
  before: string;
  after: string;
}

/** One for each group of changes whose surroundings touch; the beginning of the text where nothing changed. */
export function excerpts(text: string, masks: readonly Mask[]): Excerpt[] {
  if (masks.length === 0) {
    const start = cutOut(text, 0, Math.min(text.length, 2 * CONTEXT), []);
    return [{ before: start, after: start }];
  }
  return groupsOf(masks).map((group) => {
    const from = Math.max(0, (group[0]?.start ?? 0) - CONTEXT);
    const to = Math.min(text.length, (group.at(-1)?.end ?? 0) + CONTEXT);
    return { before: cutOut(text, from, to, []), after: cutOut(text, from, to, group) };
  });
}

function groupsOf(masks: readonly Mask[]): Mask[][] {
  const groups: Mask[][] = [];
  for (const mask of masks) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && mask.start - last.end <= 2 * CONTEXT) group.push(mask);
    else groups.push([mask]);
  }
  return groups;
}

function cutOut(text: string, from: number, to: number, masks: readonly Mask[]): string {
  let shown = '';
  let at = from;
  for (const mask of masks) {
    shown += text.slice(at, mask.start) + placeholderOf(mask.name);
    at = mask.end;
  }
  shown += text.slice(at, to);
  return `${from > 0 ? '…' : ''}${oneLine(shown)}${to < text.length ? '…' : ''}`;
}

/** A row may hold anything, escape sequences of terminals too: those are shown as a mark, not obeyed. */
const oneLine = (shown: string): string => shown.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '\ufffd');
