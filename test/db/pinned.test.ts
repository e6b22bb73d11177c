import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);

it('every pool of the product is for our own SQL, on the path of the catalog', async () => {
  const open: string[] = [];
  for (const folder of ['src/', 'scripts/', 'workers/'])
    for (const file of await readdir(new URL(folder, ROOT), { recursive: true })) {
      // Benchmarks make databases of their own.
      if (!file.endsWith('.ts') || file.startsWith('bench/')) continue;
      const source = await readFile(new URL(folder + file, ROOT), 'utf8');
      for (const [, , options = ''] of source.matchAll(/(?<!function )\bcreatePool\(([^{]*)\{([^}]*)\}/g))
        if (!options.includes('pinned: true')) open.push(folder + file);
    }
  expect(open).toEqual([]);
});
