import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Settings } from '../../src/config/settings.ts';
import { readTuned, tunedChanges, type TuneFlags } from '../../src/throttle/tune-flags.ts';

const env = { DATABASE_URL: 'postgres://u@h/d', BACKFILL_TABLE: 't', BACKFILL_TEXT: 'a' };
const load = async (): Promise<Settings> => (await loadConfig({ flags: {}, env, cwd: '/' })).settings;

describe('the flags of tune', () => {
  it('add to what is tuned, reset takes it back first', async () => {
    const settings = await load();
    const first = readTuned(
      { 'merge-rows': '200', threshold: 'lockWaiters=off,slotBacklog=1GB:2GB' },
      settings,
      {},
    );
    expect(first).toEqual({
      mergeRows: 200,
      thresholds: {
        lockWaiters: { hold: null, stop: null },
        slotBacklog: { hold: 1024 ** 3, stop: 2 * 1024 ** 3 },
      },
    });
    const second = readTuned({ concurrency: '4', 'rows-per-second': '0.5' }, settings, first);
    expect(second).toEqual({ ...first, concurrency: 4, rowsPerSecond: 0.5 });
    expect(readTuned({ reset: true, 'rows-per-second': 'off' }, settings, second)).toEqual({
      rowsPerSecond: null,
    });
  });

  it('keep a stop that is not said', async () => {
    const settings = await load();
    expect(readTuned({ threshold: 'diskUsed=0.8' }, settings, {})).toEqual({
      thresholds: { diskUsed: { hold: 0.8, stop: 0.97 } },
    });
    expect(readTuned({ threshold: 'diskUsed=0.8:off' }, settings, {})).toEqual({
      thresholds: { diskUsed: { hold: 0.8, stop: null } },
    });
  });

  it('show old and new, of what has changed', async () => {
    const settings = await load();
    const tuned = readTuned(
      { 'merge-rows': '1000', concurrency: '8', threshold: 'replicaLag=2.5:60' },
      settings,
      {},
    );
    expect(tunedChanges(settings, {}, tuned)).toEqual([
      { name: 'concurrency', old: 2, new: 8, shown: ['2', '8'] },
      {
        name: 'replicaLag',
        old: { hold: 10, stop: null },
        new: { hold: 2.5, stop: 60 },
        shown: ['holds at 10 s', 'holds at 2.5 s, stops at 60 s'],
      },
    ]);
  });

  it('refuse what is no value, with what was typed', async () => {
    const settings = await load();
    const refusal = (flags: TuneFlags): string => {
      try {
        readTuned(flags, settings, {});
        return 'taken';
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        return (error as ConfigError).message;
      }
    };
    expect(refusal({ concurrency: 'many' })).toContain('(got "many")');
    expect(refusal({ 'merge-rows': '' })).toContain('--merge-rows');
    expect(refusal({ 'rows-per-second': '-1' })).toContain('--rows-per-second');
    expect(refusal({ threshold: 'replicaLag=9:8' })).toContain('stop must not be below hold');
    expect(refusal({ threshold: 'replicaLag' })).toContain('name=hold[:stop] of replicaLag, ');
    expect(refusal({ threshold: 'replicaLag=5MB' })).toContain('--threshold replicaLag');
    expect(refusal({ threshold: 'replicaLag=' })).toContain('--threshold replicaLag');
  });
});
