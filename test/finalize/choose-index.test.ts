import { describe, expect, it } from 'vitest';
import { chooseIndex, type ChoiceInput } from '../../src/finalize/choose-index.ts';
import { makeSettings } from '../table/make-target.ts';

const MIB = 1024 ** 2;

async function choose(
  flags: Record<string, string>,
  changes: Partial<ChoiceInput> = {},
): ReturnType<typeof chooseIndex> {
  const settings = await makeSettings({ 'index-method': 'auto', ...flags });
  return chooseIndex({
    settings,
    rows: 1_000_000,
    rowsAtOnce: changes.rows ?? 1_000_000,
    dimensions: 384,
    version: '0.8.2',
    serverMemory: 64 * MIB,
    isParallel: () => Promise.resolve(true),
    ...changes,
  });
}

describe('the automatic choice of the index', () => {
  it.each([
    // A million rows of 384 dimensions: 2.08 GiB as vector, 1.35 GiB as halfvec, 0.69 GiB as bits.
    ['4GB', 'hnsw', 'vector'],
    ['1500MB', 'hnsw', 'halfvec'],
    ['1GB', 'hnsw', 'bit'],
    ['600MB', 'ivfflat', 'vector'],
  ])('with %s of memory is %s on %s', async (memory, method, type) => {
    const { plan, candidates } = await choose({ 'index-maintenance-work-mem': memory });
    expect(plan).toEqual({ method, type });
    for (const { against } of candidates.slice(0, -1)) expect(against).toMatch(/of memory/);
  });

  it('counts what a parallel build keeps of the memory for itself', async () => {
    const isParallel = (): Promise<boolean> => Promise.resolve(false);
    const rows = 100_000;
    const alone = await choose({}, { rows, isParallel });
    const together = await choose({}, { rows });
    // 1,544 + 674 bytes a row and 4 MB; alone 32.5 bytes more a row for the headers of its pieces.
    expect((together.candidates[0]?.memoryBytes ?? 0) / MIB).toBeCloseTo(215.5, 0);
    expect((alone.candidates[0]?.memoryBytes ?? 0) / MIB).toBeCloseTo(214.7, 0);
  });

  it('is IVFFlat on halfvec where the centres of vectors take too much', async () => {
    // 49 MB of samples as vector, 24 as halfvec.
    const many = { rows: 100_000, dimensions: 1200 };
    const { plan, candidates } = await choose({ 'index-maintenance-work-mem': '32MB' }, many);
    expect(plan).toEqual({ method: 'ivfflat', type: 'halfvec' });
    expect(candidates).toHaveLength(5);
  });

  it('never is an IVFFlat that could not be built: HNSW gets there, slowly', async () => {
    const { plan, reason } = await choose({ 'index-maintenance-work-mem': '4MB' }, { rows: 100_000 });
    expect(plan).toEqual({ method: 'hnsw', type: 'bit' });
    expect(reason).toMatch(/HNSW on halfvec needs .*IVFFlat on vector needs .*IVFFlat on halfvec needs/);
    // No build is short enough: the quickest is taken that the memory is there for.
    const secondsOf = (): Promise<number> => Promise.resolve(3600);
    const hurried = await choose({ 'index-build-minutes': '1' }, { rows: 100_000, secondsOf });
    expect(hurried.plan).toEqual({ method: 'ivfflat', type: 'vector' });
  });

  it('goes by a gigabyte where no memory is configured, or by what the server has', async () => {
    expect((await choose({})).plan).toEqual({ method: 'hnsw', type: 'bit' });
    expect((await choose({}, { serverMemory: 4096 * MIB })).plan).toEqual({ method: 'hnsw', type: 'vector' });
  });

  it('is of bits only where they tell the rows apart', async () => {
    const memory = { 'index-maintenance-work-mem': '150MB' };
    // 130 MB as bits of 255 or 256 dimensions, 200 as halfvec.
    const small = { rows: 180_000 };
    expect((await choose(memory, { ...small, dimensions: 256 })).plan.type).toBe('bit');
    expect((await choose(memory, { ...small, dimensions: 255 })).plan.method).toBe('ivfflat');
    for (const metric of ['ip', 'l2']) {
      // Of one length all of them order rows alike.
      expect((await choose({ ...memory, metric }, small)).plan.type).toBe('bit');
      const { plan, reason } = await choose({ ...memory, metric, 'model-normalize': 'false' }, small);
      expect(plan.method).toBe('ivfflat');
      expect(reason).toContain(`HNSW on bit has no lengths of vectors, by which ${metric} goes`);
    }
    // Not even where nothing else can be built in memory; what is configured is obeyed.
    const long = { metric: 'l2', 'model-normalize': 'false', 'index-maintenance-work-mem': '4MB' };
    expect((await choose(long, small)).plan.type).toBe('halfvec');
    expect((await choose({ ...long, 'index-type': 'bit' }, small)).plan).toEqual({
      method: 'hnsw',
      type: 'bit',
    });
    const few = { ...small, dimensions: 32 };
    expect((await choose({ 'index-type': 'bit' }, few)).plan).toEqual({ method: 'hnsw', type: 'bit' });
  });

  it('is of bits only where a sample of the vectors says that they find enough', async () => {
    const memory = { 'index-maintenance-work-mem': '1GB' };
    const recallOfBits = (recall: number | null) => ({ recallOfBits: () => Promise.resolve(recall) });
    for (const recall of [null, 0.95, 1])
      expect((await choose(memory, recallOfBits(recall))).plan.type).toBe('bit');
    const { plan, reason, candidates } = await choose(memory, recallOfBits(0.8));
    expect(plan).toEqual({ method: 'ivfflat', type: 'vector' });
    expect(reason).toContain('HNSW on bit finds about 80 % of the nearest rows among 200 candidates');
    expect(candidates.find(({ type }) => type === 'bit')?.recall).toBe(0.8);
    // Neither is it the last resort.
    const little = { 'index-maintenance-work-mem': '4MB' };
    expect((await choose(little, { ...recallOfBits(0.8), rows: 100_000 })).plan.type).toBe('halfvec');
    const asked = { 'index-type': 'bit', ...memory };
    const unasked = { recallOfBits: () => Promise.reject(new Error('asked')) };
    expect((await choose(asked, unasked)).plan.type).toBe('bit');
  });

  it('goes by the time that the build may take', async () => {
    const input = {
      serverMemory: 8192 * MIB,
      secondsOf: ({ type, method }: { type: string; method: string }) =>
        Promise.resolve(method === 'ivfflat' ? 60 : type === 'vector' ? 3600 : 1200),
    };
    expect((await choose({ 'index-build-minutes': '90' }, input)).plan.type).toBe('vector');
    const half = await choose({ 'index-build-minutes': '30' }, input);
    expect(half.plan).toEqual({ method: 'hnsw', type: 'halfvec' });
    expect(half.reason).toBe('HNSW on vector takes about 60.0 min, 30 min are allowed');
    expect((await choose({ 'index-build-minutes': '10' }, input)).plan.method).toBe('ivfflat');
  });

  it('never asks for the time where it may take as long as it likes', async () => {
    const secondsOf = (): Promise<number> => Promise.reject(new Error('asked'));
    await expect(choose({}, { secondsOf })).resolves.toBeDefined();
  });

  it.each([
    [2000, 'vector'],
    [2001, 'halfvec'],
    [4000, 'halfvec'],
  ])('of %i dimensions is on %s', async (dimensions, type) => {
    for (const method of ['auto', 'hnsw', 'ivfflat'])
      expect((await choose({ 'index-method': method }, { dimensions, rows: 1000 })).plan.type).toBe(type);
  });

  it.each([4001, 16_000])('of %i dimensions is on bits, and HNSW', async (dimensions) => {
    for (const method of ['auto', 'hnsw'])
      expect((await choose({ 'index-method': method }, { dimensions, rows: 1000 })).plan).toEqual({
        method: 'hnsw',
        type: 'bit',
      });
    await expect(choose({ 'index-method': 'ivfflat' }, { dimensions })).rejects.toMatchObject({
      code: 'INDEX_REFUSED',
      message: expect.stringContaining('IVFFlat takes at most 4000 dimensions') as string,
      remedy: expect.stringContaining('index.method') as string,
    });
  });

  it('is on halfvec where the column is', async () => {
    const { plan } = await choose({ 'column-type': 'halfvec' }, { rows: 1000 });
    expect(plan).toEqual({ method: 'hnsw', type: 'halfvec' });
  });

  it.each([
    ['too many dimensions for any index', {}, { dimensions: 64_001 }, 'another model'],
    ['too many for halfvec', { 'index-type': 'halfvec' }, { dimensions: 4001 }, 'to auto, or'],
    ['too many for the type asked for', { 'index-type': 'vector' }, { dimensions: 3072 }, 'index.type'],
    ['halfvec before it was there', { 'index-type': 'halfvec' }, { version: '0.6.2' }, 'Upgrade pgvector'],
    ['dimensions that need halfvec before it was there', {}, { dimensions: 3072, version: '0.6.2' }, '2000'],
  ] as const)('is refused with the reason: %s', async (_, flags, changes, remedy) => {
    for (const method of ['auto', 'hnsw', 'ivfflat'])
      await expect(choose({ 'index-method': method, ...flags }, changes)).rejects.toMatchObject({
        code: 'INDEX_REFUSED',
        remedy: expect.stringContaining(remedy) as string,
      });
  });

  it('obeys what is configured, whatever it takes', async () => {
    const { plan, reason } = await choose({ 'index-method': 'hnsw', 'index-maintenance-work-mem': '64MB' });
    expect(plan).toEqual({ method: 'hnsw', type: 'vector' });
    expect(reason).toBe('as configured');
  });
});
