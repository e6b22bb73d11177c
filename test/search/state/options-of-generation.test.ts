import { describe, expect, it } from 'vitest';
import { mergeSettings, readSection, readStored } from '../../../src/config/section.ts';
import type { BackfillConfig, Settings, SomeSettings } from '../../../src/config/settings.ts';
import {
  modelSettings,
  optionsOfGeneration,
  withOwnKey,
} from '../../../src/search/state/options-of-generation.ts';

const given = (options: BackfillConfig): SomeSettings => readSection({ ...options }, 'a');
const stored = (model: object): SomeSettings =>
  readStored({ table: 'a', text: ['t'], column: 'embedding_2', model });
const settingsOf = (own: SomeSettings, application: SomeSettings): Settings =>
  mergeSettings(own, optionsOfGeneration(application, own)) as Settings;

const NEW = stored({ name: 'new', pooling: 'cls', localPath: '/models' });

describe('options of a generation', () => {
  it('are its own where the application was given those of another model', () => {
    const half = given({ column: 'embedding', model: { name: 'old', pooling: 'mean', localPath: './here' } });
    const settings = settingsOf(NEW, half);
    expect(settings.column).toBe('embedding_2');
    expect(settings.model).toMatchObject({ name: 'new', pooling: 'cls', localPath: './here' });
    // Its own folder first, then the one of the ledger.
    expect(modelSettings(settings, NEW).map(({ model }) => [model.name, model.localPath])).toEqual([
      ['new', './here'],
      ['new', '/models'],
    ]);
  });

  it('are the application’s where these are of its model, or of none', () => {
    const deployed = given({ model: { name: 'new', pooling: 'cls', timeoutSeconds: 7 } });
    expect(settingsOf(NEW, deployed).model).toMatchObject({ name: 'new', timeoutSeconds: 7 });
    expect(modelSettings(settingsOf(NEW, deployed), NEW)).toHaveLength(1);
    const bare = given({ model: { queryPrefix: 'q: ' } });
    expect(settingsOf(NEW, bare).model).toMatchObject({ name: 'new', pooling: 'cls', queryPrefix: 'q: ' });
  });

  it('tell the key of one server to no other', () => {
    const [one, two] = ['https://one.example', 'https://two.example'].map((endpoint) =>
      stored({ name: 'm', endpoint }),
    ) as [SomeSettings, SomeSettings];
    const keys = (application: BackfillConfig): (string | undefined)[] =>
      [one, two, NEW].map((own) => {
        const settings = settingsOf(own, given(application));
        return withOwnKey(settings, given(application), [one, two]).model.apiKey;
      });
    expect(keys({ model: { apiKey: 'k' } })).toEqual(['k', undefined, undefined]);
    expect(keys({ model: { apiKey: 'k', endpoint: 'https://two.example' } })).toEqual([
      undefined,
      'k',
      undefined,
    ]);
    expect(keys({ model: { apiKey: 'k', earlierApiKey: 'e' } })).toEqual(['e', 'k', undefined]);
  });
});
