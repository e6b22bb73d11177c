/** Limits that involve two options; said before any work. */

import { optionName } from './option-name.ts';
import type { Settings } from './settings.ts';

/** What a run writes must not be what it reads: the text would change with each merge, or be overwritten by it. */
function sharedColumns(settings: Settings, name: string | null): string[] {
  const read = new Set([
    ...[settings.key ?? []].flat(),
    ...(Array.isArray(settings.text) ? settings.text : []),
  ]);
  const written = [
    ['column', settings.column],
    ['updatedAtColumn', settings.updatedAtColumn],
  ] as const;
  const problems = written.flatMap(([path, column]) =>
    read.has(column)
      ? [
          `Option ${optionName(path, name)} is ${JSON.stringify(column)}, which is the key or a part of the text; it must be a column of its own.`,
        ]
      : [],
  );
  if (settings.column === settings.updatedAtColumn)
    problems.push(`Option ${optionName('updatedAtColumn', name)} must be another column than column.`);
  return problems;
}

/** Of the length that the model is read with. */
export function chunkChecks({ model, store }: Settings, name: string | null): string[] {
  const { longText, maxTokens, chunkOverlap } = model;
  if (longText !== 'mean-of-chunks' && longText !== 'chunks') return [];
  const chunkTokens = longText === 'chunks' ? model.chunkTokens : undefined;
  const problems: string[] = [];
  if (longText === 'chunks' && store !== 'table')
    problems.push(
      `Option ${optionName('model.longText', name)} is chunks, but store is ${store}: a column has one vector of each row, and a table beside one of each passage (${optionName('store', name)}: table).`,
    );
  if (chunkTokens !== undefined && chunkTokens > maxTokens)
    problems.push(
      `Option ${optionName('model.chunkTokens', name)} is ${chunkTokens}, but the model reads at most model.maxTokens (${maxTokens}).`,
    );
  if (2 * chunkOverlap >= (chunkTokens ?? maxTokens))
    problems.push(
      `Option ${optionName('model.chunkOverlap', name)} is ${chunkOverlap}, but must be less than half of ${chunkTokens === undefined ? `model.maxTokens (${maxTokens})` : `model.chunkTokens (${chunkTokens})`}.`,
    );
  return problems;
}

/** In sentences; empty where all fits. `knowsLength`: what the model reads is given, and not in files that are read later. */
export function crossChecks(settings: Settings, name: string | null, knowsLength: boolean): string[] {
  const problems: string[] = sharedColumns(settings, name);
  if (settings.index.method !== 'ivfflat' && settings.index.efConstruction < 2 * settings.index.m) {
    problems.push(
      `Option ${optionName('index.efConstruction', name)} is ${settings.index.efConstruction}, but pgvector wants at least 2 × index.m (${2 * settings.index.m}).`,
    );
  }
  if (settings.columnType === 'halfvec' && settings.index.type === 'vector') {
    problems.push(
      `Option ${optionName('index.type', name)} is vector, but columnType is halfvec: an index has no more digits than its column.`,
    );
  }
  if (settings.index.method === 'ivfflat' && settings.index.type === 'bit') {
    problems.push(
      `Option ${optionName('index.type', name)} is bit, but index.method is ivfflat: an index of bits is HNSW.`,
    );
  }
  if (knowsLength) problems.push(...chunkChecks(settings, name));
  return problems;
}
