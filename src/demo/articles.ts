/**
 * The sample table: short articles on everyday matters, written for this project, so that the demo needs no download
 * and no permission. Neighbouring articles say the same things in other words (puncture and flat tyre, physician and
 * doctor), because that is what a semantic search has to bridge. Ids have gaps; some bodies are missing or empty.
 */

import type { Article, ArticleText } from './article.ts';
import { bicycles } from './articles/bicycles.ts';
import { cars } from './articles/cars.ts';
import { computers } from './articles/computers.ts';
import { cooking } from './articles/cooking.ts';
import { gardening } from './articles/gardening.ts';
import { health } from './articles/health.ts';
import { home } from './articles/home.ts';
import { money } from './articles/money.ts';
import { music } from './articles/music.ts';
import { parenting } from './articles/parenting.ts';
import { pets } from './articles/pets.ts';
import { travel } from './articles/travel.ts';
import { weather } from './articles/weather.ts';

const FIRST_UPDATE = Date.UTC(2024, 0, 8, 6, 30);
/** A little less than a day, so that times of day differ too. */
const BETWEEN_UPDATES_MS = 20.3 * 3_600_000;

/** All articles in order of id. `updatedAt` is made up: one article after the other from January 2024 on. */
export function articles(): Article[] {
  const texts: ArticleText[] = [
    ...cooking,
    ...gardening,
    ...bicycles,
    ...money,
    ...home,
    ...pets,
    ...travel,
    ...health,
    ...computers,
    ...weather,
    ...parenting,
    ...music,
    ...cars,
  ];
  return texts.map(({ id, title, body, status = 'published' }, place) => ({
    id: BigInt(id),
    title,
    body,
    status,
    updatedAt: new Date(FIRST_UPDATE + place * BETWEEN_UPDATES_MS),
  }));
}
