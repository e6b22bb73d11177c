/**
 * Searches over the sample table with the articles that answer them, judged by reading the articles. Most ask in
 * other words than the articles use; the last ones are names and codes, which the search of letters finds as well or
 * better.
 */

import type { JudgedQuery } from './article.ts';

const judged = (text: string, ...relevant: number[]): JudgedQuery => ({
  text,
  relevant: relevant.map(BigInt),
});

export const judgedQueries: readonly JudgedQuery[] = [
  judged('repairing a flat bicycle tyre', 301, 302),
  judged('noisy bike brakes', 313, 314),
  judged('bicycle chain slipping when I change gear', 307, 308, 309),
  judged('protect my bicycle from thieves', 326, 327),
  judged('pain in knees and hands from cycling', 322, 323),
  judged('why is my bread so dense', 101, 103, 104),
  judged('blunt kitchen blade', 112, 113),
  judged('is yesterday’s food still safe to eat', 126, 128, 129),
  judged('insects damaging my roses and vegetables', 203, 204, 205),
  judged('turning kitchen waste into soil', 207, 208, 209),
  judged('cutting back trees and bushes', 217, 218, 219, 220),
  judged('putting money aside each month', 401, 402, 403, 404),
  judged('getting out of debt', 407, 408, 409, 411),
  judged('borrowing to buy a house', 413, 414, 415, 416, 417),
  judged('investing for beginners', 419, 420, 421, 422, 423),
  judged('saving for old age', 423, 425, 426, 427),
  judged('blocked pipe under the basin', 502, 503),
  judged('house stays cold although the heating is on', 508, 509, 510, 511, 512),
  judged('damp walls and mildew', 520, 521, 522),
  judged('teaching a young dog good manners', 601, 602, 603, 604, 605),
  judged('dog ate something toxic', 607, 610),
  judged('parasites in the fur of my cat', 608, 609),
  judged('airline compensation for a late plane', 703),
  judged('documents for going abroad', 708, 709, 710, 711),
  judged('a place to stay overnight', 717, 718, 719),
  judged('high temperature, should I call a physician', 801, 802, 803),
  judged('my back hurts', 807, 808, 809, 810),
  judged('insomnia remedies', 818, 819, 820),
  judged('beginner jogging plan', 812, 813, 816),
  judged('wireless connection is unreliable', 918, 919, 920),
  judged('someone stole my login', 912, 913, 914, 915),
  judged('infant will not stop screaming', 1101, 1102, 1105),
  judged('beginner guitar lessons', 1201, 1203, 1204),
  judged('automobile will not start', 1301, 1302),
  judged('purchasing a second-hand vehicle', 1316, 1317),
  judged('E-2047', 932),
  judged('P0420', 1304),
  judged('Pernambuco', 1213),
  judged('bindweed', 226),
  judged('spaghetti', 107, 108),
];

/** What the demo shows side by side: four in other words, and one where the old search is just as good. */
export const demoQueries: readonly string[] = [
  'automobile will not start',
  'getting out of debt',
  'infant will not stop screaming',
  'documents for going abroad',
  'P0420',
];
