/** What measured figures mean for the gate. */

import { describe, expect, it } from 'vitest';
import { relevanceChecks } from '../../../src/verify/checks/relevance.ts';
import type { Relevance, SystemScore } from '../../../src/verify/measures/relevance.ts';
import { baselineChecks } from '../../../src/verify/stored-verification.ts';
import { makeSettings } from '../../table/make-target.ts';

const score = (
  name: SystemScore['name'],
  ndcg10: number | null,
  difference: SystemScore['difference'] = null,
): SystemScore => ({
  name,
  ndcg10,
  recall100: ndcg10,
  mrr: ndcg10,
  low: ndcg10,
  high: ndcg10,
  recallLow: ndcg10,
  recallHigh: ndcg10,
  difference,
});

const relevance = (systems: SystemScore[], changes: Partial<Relevance> = {}): Relevance => ({
  queries: 100,
  answers: 'as served',
  querySet: 'digest',
  judgements: 300,
  resamples: 2000,
  leftOut: { withoutJudgement: 0, withoutRelevant: 0, judgedButMissing: 0 },
  judgedKeys: 250,
  unknownKeys: 0,
  notEmbeddable: 0,
  systems,
  ...changes,
});

describe('relevanceChecks', () => {
  it('passes where vectors are no worse than the legacy search, or it may be chance', async () => {
    const settings = await makeSettings();
    for (const difference of [
      { value: 0.1, low: 0.05, high: 0.15 },
      { value: -0.1, low: -0.2, high: 0 },
      { value: -0.02, low: -0.03, high: -0.015 },
    ]) {
      const systems = [score('legacy', 0.5), score('vector', 0.5 + difference.value, difference)];
      expect(relevanceChecks(relevance(systems), settings)[1]).toMatchObject({
        name: 'relevance',
        passed: true,
        value: 0.5 + difference.value,
        threshold: 0.48,
        remedy: null,
      });
    }
  });

  it('fails where they are, and names the hybrid where that is better', async () => {
    const settings = await makeSettings();
    const worse = { value: -0.2, low: -0.3, high: -0.1 };
    const vector = score('vector', 0.3, worse);
    const [, alone] = relevanceChecks(
      relevance([score('legacy', 0.5), vector, score('hybrid', 0.3, worse)]),
      settings,
    );
    expect(alone).toMatchObject({ passed: false });
    expect(alone?.remedy).not.toContain('hybrid');
    const good = score('hybrid', 0.55, { value: 0.05, low: 0, high: 0.1 });
    const [, both] = relevanceChecks(relevance([score('legacy', 0.5), vector, good]), settings);
    expect(both?.remedy).toContain('hybrid');
    const generous = await makeSettings({ 'verify-tolerance': '0.15' });
    expect(relevanceChecks(relevance([score('legacy', 0.5), vector]), generous)[1]?.passed).toBe(true);
  });

  it('says what was left out, and fails where no judged key is one of the table', async () => {
    const settings = await makeSettings();
    const check = (changes: Partial<Relevance>): unknown =>
      relevanceChecks(relevance([score('tsvector', null)], changes), settings)[0];
    expect(check({})).toMatchObject({ name: 'judgements', passed: true, remedy: null });
    expect(check({ unknownKeys: 1 })).toMatchObject({
      passed: true,
      detail: expect.stringContaining('1 of 250 judged keys') as string,
      remedy: expect.stringContaining('keys of the table') as string,
    });
    expect(check({ queries: 5 })).toMatchObject({ remedy: expect.stringContaining('at least 25') as string });
    expect(check({ unknownKeys: 250 })).toMatchObject({ passed: false });
  });
});

describe('baselineChecks', () => {
  const now = (recallAt10: number, vector: number): Parameters<typeof baselineChecks>[1] => ({
    recallAt10,
    systems: [score('legacy', 0), score('tsvector', 0), score('vector', vector), score('hybrid', null)],
  });

  it('passes within the tolerance and fails beyond it', async () => {
    const settings = await makeSettings();
    const before = { recallAt10: 0.95, ndcg10: { legacy: 0.5, tsvector: 0.5, vector: 0.4, hybrid: 0.4 } };
    const outcome = (recall: number, vector: number): [string, boolean][] =>
      baselineChecks(before, now(recall, vector), settings).map(({ name, passed }) => [name, passed]);
    // The legacy search is the operator's own, and a search that was not measured is not compared.
    expect(outcome(0.93, 0.38)).toEqual([
      ['recall-baseline', true],
      ['relevance-baseline:vector', true],
    ]);
    expect(outcome(0.9299, 0.3799)).toEqual([
      ['recall-baseline', false],
      ['relevance-baseline:vector', false],
    ]);
  });

  it('has nothing to say the first time', async () => {
    expect(baselineChecks({ recallAt10: null, ndcg10: null }, now(1, 1), await makeSettings())).toEqual([]);
  });
});
