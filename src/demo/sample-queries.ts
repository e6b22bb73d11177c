/**
 * Searches over the sample table with the articles that answer them, judged by reading the articles. They were
 * written when the articles were done, and the articles are not to be changed for them: most ask in other words, some
 * in words that no article has, where no search trained on the articles can help. The last six are names and codes,
 * which a search of letters finds as well.
 */

import type { JudgedQuery } from './article.ts';

const judged = (text: string, ...relevant: number[]): JudgedQuery => ({
  text,
  relevant: relevant.map(BigInt),
});

export const judgedQueries: readonly JudgedQuery[] = [
  judged('punctured wheel', 301, 302),
  judged('my cycle squeaks when I slow down', 313, 314),
  judged('preventing theft of a bike', 326, 327),
  judged('heavy loaf', 101, 104),
  judged('making a knife cut well again', 112, 113),
  judged('stomach ache after a meal that had gone off', 126, 129),
  judged('bugs on my plants', 203, 204, 205),
  judged('slimy creatures devouring salad', 201, 202),
  judged('recycling peelings and leaves', 207, 208, 209, 210),
  judged('trimming the shrubs', 217, 218, 219, 220),
  judged('how to spend less', 402, 403, 404, 405),
  judged('I owe too much', 407, 408, 409, 411),
  judged('home loan', 413, 414, 415, 417),
  judged('where should I put my savings so that they grow', 419, 420, 422, 423),
  judged('income after I stop working', 425, 426, 427),
  judged('leaking faucet', 501, 504),
  judged('water in the shower does not run off', 502, 503),
  judged('freezing at home in January', 508, 509, 510, 511, 512),
  judged('fungus on the bathroom wall', 520, 521, 522),
  judged('training a puppy to behave', 601, 602, 603, 604, 605),
  judged('my pet swallowed poison', 607, 610),
  judged('itching animals', 608, 609),
  judged('missing baggage after the flight', 702),
  judged('plane was late, do I get money back', 703),
  judged('papers I need at the border', 708, 709, 710, 711),
  judged('accommodation for a night', 717, 718, 719),
  judged('medical advice for fever', 801, 802, 803),
  judged('aching spine', 807, 808, 809, 810),
  judged('cannot fall asleep', 818, 819),
  judged('getting fit as a beginner', 812, 813, 815, 816),
  judged('internet keeps dropping at home', 918, 919, 920),
  judged('hacked account', 912, 913, 914, 915),
  judged('mobile needs recharging too often', 923, 924),
  judged('PC is sluggish', 901, 904, 910),
  judged('restore lost files', 907, 908),
  judged('crying newborn', 1101, 1105),
  judged('toddler misbehaves in public', 1108, 1109),
  judged('first steps on the guitar', 1201, 1203, 1204),
  judged('motor will not turn over', 1301, 1302),
  judged('buying a pre-owned car', 1316, 1317),
  judged('lamp lit on the instrument panel', 1303, 1304),
  judged('staying safe in a thunderstorm', 1006, 1007),
  judged('E-2047', 932),
  judged('P0420', 1304),
  judged('0x0000007E', 903),
  judged('Pernambuco', 1213),
  judged('bindweed', 226),
  judged('spaghetti', 107, 108),
];

/** What the demo shows side by side: four where other words are bridged, and one where the old search is as good. */
export const demoQueries: readonly string[] = [
  'motor will not turn over',
  'papers I need at the border',
  'hacked account',
  'trimming the shrubs',
  'P0420',
];
