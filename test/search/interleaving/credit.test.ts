import { describe, expect, it } from 'vitest';
import { readCredit, writeCredit } from '../../../src/search/interleaving/credit.ts';

const OF = { generation: 2, day: '2026-05-04', run: '17', against: 'vector@1' };
const drafted = [
  { key: 'bread', side: 'base' },
  { key: '["a","b"]', side: 'own' },
  { key: 'rest', side: null },
] as const;

describe('what an interleaved answer carries', () => {
  it('tells the side of each hit, and shows neither key nor side', () => {
    const text = writeCredit(OF, drafted);
    expect(readCredit(text, 'bread')).toMatchObject({ ...OF, side: 'base' });
    expect(readCredit(text, '["a","b"]')).toMatchObject({ ...OF, side: 'own' });
    expect(readCredit(text, 'rest')).toMatchObject({ side: null });
    expect(readCredit(text, 'another')).toMatchObject({ side: null });
    expect(text).not.toBe(writeCredit(OF, drafted));
    expect(Buffer.from(text, 'base64url').toString()).not.toContain('bread');
    const all = Array.from({ length: 1000 }, (_, at) => ({ key: String(at), side: 'own' as const }));
    expect(readCredit(writeCredit(OF, all), '999')).toMatchObject({ side: 'own' });
  });

  it.each([
    '',
    'x',
    '1.2',
    '1.0.AAAA.AAAAAAAAAAAA.',
    '2.1.AAAA.AAAAAAAAAAAA.',
    `1.1.${Buffer.from('2026-05-04 17 others').toString('base64url')}.AAAAAAAAAAAA.`,
    `1.1.${Buffer.from('x').toString('base64url')}.AAAAAAAAAAAA.${'A'.repeat(20_000)}`,
    null as unknown as string,
  ])('is refused where it is none: %j', (text) => {
    expect(readCredit(text, 'bread')).toBeNull();
  });
});
