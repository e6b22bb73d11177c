/**
 * The sample table: short articles on everyday matters, written for this project, so that the demo needs no download
 * and no permission. Neighbouring articles say the same things in other words (puncture and flat tyre, physician and
 * doctor), because that is what a semantic search has to bridge. Ids have gaps; some bodies are missing or empty.
 */

import { readFileSync } from 'node:fs';
import type { Article, ArticleText } from './article.ts';

const FIRST_UPDATE = Date.UTC(2024, 0, 8, 6, 30);
/** A little less than a day, so that times of day differ too. */
const BETWEEN_UPDATES_MS = 20.3 * 3_600_000;

/** All articles in the order of the file. `updatedAt` is made up: one article after the other from January 2024 on. */
export function articles(): Article[] {
  const lines = readFileSync(new URL('./articles.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line, place) => {
    const { id, title, body, status = 'published' } = JSON.parse(line) as ArticleText;
    const updatedAt = new Date(FIRST_UPDATE + place * BETWEEN_UPDATES_MS);
    return { id: BigInt(id), title, body, status, updatedAt };
  });
}
