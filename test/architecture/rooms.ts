/**
 * The order of the rooms, and what lint makes of it: `npm run lint:rooms` writes it into .oxlintrc.json, `npm run lint` fails
 * where that is stale or where a folder has no place in the order.
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = join(ROOT, '.oxlintrc.json');

/** From the bottom up: a room imports from the rooms of earlier lines alone. */
const ORDER: readonly (readonly string[])[] = [
  ['config', 'process'],
  ['db', 'observability', 'relevance', 'onnx'],
  ['table', 'queue', 'masking'],
  ['ledger', 'embedding'],
  ['throttle'],
  ['search', 'pipeline'],
  ['sync'],
  ['finalize'],
  ['planning'],
  ['verify'],
  ['audit', 'cutover', 'watch'],
  ['dashboard'],
  ['terminal', 'worker'],
  ['cli'],
  ['workers'],
  ['scripts'],
];

/** Rooms that entry points alone know, with the rooms that each of them may know. */
const APART: Readonly<Record<string, readonly string[]>> = {
  embedded: ['process', 'db'],
  training: ['process', 'db', 'observability', 'relevance', 'onnx', 'table', 'masking', 'embedding'],
  // The whole of a migration, as the verbs have it.
  demo: ORDER.flat().filter((room) => !['workers', 'scripts'].includes(room)),
};

/** Beside src/. */
const ENTRY_POINTS = ['workers', 'scripts'];
/** In no room: what every room may import and which imports no room, and the faces of the library, above all of them. */
const LOOSE = { below: ['errors.ts', 'random.ts', 'time-limit.ts'], above: ['index.ts', 'search.ts'] };

interface Override {
  files: string[];
  rules: { 'no-restricted-imports': ['error', { patterns: { regex: string; message: string }[] }] };
}

const ROOMS = [...ORDER.flat(), ...Object.keys(APART)];

const filesOf = (room: string): string => (ENTRY_POINTS.includes(room) ? `${room}/**` : `src/${room}/**`);

/** A path to another room goes up to src/ first; one inside a room begins with `./` or names a folder that no room is called. */
const override = (files: string[], forbidden: readonly string[], message: string): Override => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: `^\\.{1,2}/(\\.\\./)*(src/)?(${forbidden.join('|')})/`, message }] },
    ],
  },
});

function overrides(): Override[] {
  const tiers = ORDER.slice(0, -1).map((tier, at) => {
    const above = ORDER.slice(at + 1).flat();
    // Rooms of one line do not know each other either; of its own room a file need not go up to src/.
    const forbidden = [...(tier.length > 1 ? tier : []), ...above];
    const apart = ENTRY_POINTS.includes(tier[0] ?? '') ? [] : Object.keys(APART);
    const below = ORDER.slice(0, at).flat();
    const known = below.length === 0 ? 'no other room' : `only ${below.join(', ')}`;
    return override(tier.map(filesOf), [...forbidden, ...apart], `${tier.join(', ')}: may import ${known}.`);
  });
  const apart = Object.entries(APART).map(([room, known]) =>
    override(
      [filesOf(room)],
      ROOMS.filter((other) => other !== room && !known.includes(other)),
      `${room} stands apart: may import only ${known.join(', ')}.`,
    ),
  );
  const loose = override(
    LOOSE.below.map((file) => `src/${file}`),
    ROOMS,
    'Imported by every room: may import none.',
  );
  return [loose, ...tiers, ...apart];
}

/** Folders and files that the order says nothing about, or that would make lint take one room for another. */
function misplaced(): string[] {
  const found: string[] = [];
  const known = [...ROOMS, ...LOOSE.below, ...LOOSE.above];
  for (const { name } of readdirSync(join(ROOT, 'src'), { withFileTypes: true }))
    if (!known.includes(name)) found.push(`src/${name} has no place in the order of the rooms.`);
  for (const room of ROOMS) {
    const folder = filesOf(room).replace('/**', '');
    for (const each of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
      // The bench's peers are installed below it.
      if (each.isDirectory() && ROOMS.includes(each.name) && !each.parentPath.includes('node_modules'))
        found.push(`${folder} has a folder ${each.name}, which is the name of a room.`);
  }
  return found;
}

const config = JSON.parse(readFileSync(CONFIG, 'utf8')) as { overrides: Override[] };
const isStale = JSON.stringify(config.overrides) !== JSON.stringify(overrides());
if (process.argv.includes('--check')) {
  const faults = [
    ...misplaced(),
    ...(isStale ? ['.oxlintrc.json is not of this order of the rooms: run `npm run lint:rooms`.'] : []),
  ];
  for (const fault of faults) process.stderr.write(`test/architecture/rooms.ts: ${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} else writeFileSync(CONFIG, JSON.stringify({ ...config, overrides: overrides() }, null, 2));
