/** Pieces of a text and the ways of cutting them further. */

export interface Piece {
  text: string;
  /** It begins where the text itself begins. */
  first: boolean;
}

export type Normalize = (text: string) => string;
export type PreTokenize = (piece: Piece) => Piece[];

/** What becomes of the matches of a split. */
export type Behavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export interface Segment {
  start: number;
  end: number;
  match: boolean;
}

/** Matches of `pattern` (with flag g), but for an empty one right behind another, which only JavaScript finds. */
export function* matchesOf(text: string, pattern: RegExp): Generator<{ start: number; end: number }> {
  let last: number | undefined;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (found === '' && index === last) continue;
    last = index + found.length;
    yield { start: index, end: last };
  }
}

/** The whole of `text` in matches of `pattern` and what is between them. */
export function segmentsOf(text: string, pattern: RegExp): Segment[] {
  const segments: Segment[] = [];
  let last = 0;
  for (const { start, end } of matchesOf(text, pattern)) {
    if (last < start) segments.push({ start: last, end: start, match: false });
    segments.push({ start, end, match: true });
    last = end;
  }
  if (last < text.length) segments.push({ start: last, end: text.length, match: false });
  return segments;
}

export function split(piece: Piece, segments: readonly Segment[], behavior: Behavior): Piece[] {
  return arranged(segments, behavior)
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => ({ text: piece.text.slice(start, end), first: piece.first && start === 0 }));
}

function arranged(segments: readonly Segment[], behavior: Behavior): Segment[] {
  switch (behavior) {
    case 'Isolated':
      return [...segments];
    case 'Removed':
      return segments.filter(({ match }) => !match);
    case 'Contiguous':
      return joined(segments, (before, { match }) => before.match === match);
    case 'MergedWithPrevious':
      return mergedWithPrevious(segments);
    default:
      return mergedWithPrevious(segments.map(turned).toReversed()).map(turned).toReversed();
  }
}

/** The first match of a run of them goes to what stands before it. */
function mergedWithPrevious(segments: readonly Segment[]): Segment[] {
  return joined(segments, (before, { match }) => match && !before.match);
}

function joined(segments: readonly Segment[], joins: (before: Segment, next: Segment) => boolean): Segment[] {
  const result: Segment[] = [];
  let before: Segment | undefined;
  for (const segment of segments) {
    const last = result.at(-1);
    if (last !== undefined && before !== undefined && joins(before, segment)) last.end = segment.end;
    else result.push({ ...segment });
    before = segment;
  }
  return result;
}

const turned = ({ start, end, match }: Segment): Segment => ({ start: -end, end: -start, match });
