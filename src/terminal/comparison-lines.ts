/** What `search` says in a terminal: both answers side by side. */

import type { Comparison } from '../search/compare.ts';

export function comparisonLines({
  text,
  legacy,
  vector,
  overlap,
  legacyMs,
  vectorMs,
  embeddingMs,
  legacyFault,
}: Comparison): string[] {
  const width = 52;
  const cell = (hit: { key: string; title: string } | undefined): string =>
    (hit === undefined ? '' : `${hit.key}  ${hit.title}`).slice(0, width - 2).padEnd(width);
  const lines = [
    `"${text}"`,
    `  ${`legacy: ${legacy.length} hits, ${legacyMs.toFixed(1)} ms`.padEnd(width)}vector: ${vector.length} hits, ${vectorMs.toFixed(1)} ms + ${embeddingMs.toFixed(1)} ms for the model; ${overlap} in both`,
  ];
  if (legacyFault !== null) lines.push(`  the legacy search does not run for this query: ${legacyFault}`);
  for (let row = 0; row < Math.max(legacy.length, vector.length); row++) {
    const distance = vector[row]?.distance;
    lines.push(
      `  ${cell(legacy[row])}${cell(vector[row]).trimEnd()}${distance == null ? '' : `  (${distance.toFixed(3)})`}`,
    );
    const passage = vector[row]?.passage;
    if (passage?.text !== undefined)
      lines.push(`${' '.repeat(width + 2)}  passage ${passage.number}: ${brief(passage.text)}`);
  }
  return lines;
}

const PASSAGE_CHARACTERS = 160;

function brief(text: string): string {
  const characters = Array.from(text.replaceAll(/\s+/g, ' ').trim());
  const isLong = characters.length > PASSAGE_CHARACTERS;
  return isLong ? `${characters.slice(0, PASSAGE_CHARACTERS).join('')} …` : characters.join('');
}
