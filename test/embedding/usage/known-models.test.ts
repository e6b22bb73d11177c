/** The names whose use is known, and the page that says so to people. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KNOWN_MODELS, knownModel } from '../../../src/embedding/usage/known-models.ts';

describe('the table of well-known models', () => {
  it.each([
    ['Xenova/all-MiniLM-L6-v2', 'mean', ''],
    ['onnx-community/Qwen3-Embedding-0.6B-ONNX', 'last', 'Instruct: '],
    ['Snowflake/snowflake-arctic-embed-l-v2.0', 'cls', 'query: '],
    ['nomic-ai/nomic-embed-text-v1.5', 'mean', 'search_query: '],
    ['Alibaba-NLP/gte-modernbert-base', 'cls', ''],
  ])('knows %s', (name, how, prefix) => {
    const usage = knownModel(name)?.usage;
    expect(usage?.pooling).toBe(how);
    expect(usage?.queryPrefix?.startsWith(prefix)).toBe(true);
  });

  it('is the one of docs/models.md', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../docs/models.md'), 'utf8');
    const rows = page.split('\n').map((line) =>
      line
        .replaceAll('\\|', '│')
        .split('|')
        .map((cell) => cell.trim()),
    );
    const prefix = (value = ''): string =>
      value === '' ? 'none' : `\`${JSON.stringify(value).replaceAll('|', '│')}\``;
    for (const { shown, usage, page: source } of KNOWN_MODELS)
      expect(rows.find(([, models]) => models === shown)?.slice(1, 7)).toEqual([
        shown,
        usage.pooling,
        String(usage.maxTokens),
        prefix(usage.queryPrefix),
        prefix(usage.documentPrefix),
        expect.stringContaining(`(${source})`),
      ]);
  });

  it('says of each where that is written, and knows the page by its own name', () => {
    for (const each of KNOWN_MODELS) expect(knownModel(new URL(each.page).pathname)).toBe(each);
  });
});
