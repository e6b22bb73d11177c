import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/config/options.ts';
import { configurationReference } from '../../src/config/reference.ts';

/** The formatter pads the cells of tables and aligns their rules. */
const unpadded = (page: string): string => page.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');

describe('docs/configuration.md', () => {
  it('says what the option table says: otherwise run `npm run docs`', async () => {
    const page = await readFile('docs/configuration.md', 'utf8');
    expect(unpadded(page)).toBe(unpadded(configurationReference()));
    for (const { name, env } of Object.values(OPTIONS)) {
      expect(page).toContain(`\`${name}\``);
      expect(page).toContain(`\`${env}\``);
    }
  });
});
