import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { withoutSecrets, withoutUser } from '../../../src/config/values/bare-url.ts';
import { childEnvironment } from '../../../src/process/child-environment.ts';
import { storedSettings } from '../../../src/planning/enqueue.ts';

it.each([
  ['https://user:secret@host.example/v1', 'https://host.example/v1'],
  [
    'https://host.example/v1?key=secret&api-version=2025-01-01',
    'https://host.example/v1?api-version=2025-01-01',
  ],
  ['https://secret@host.example/v1#secret', 'https://host.example/v1'],
  ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080/v1'],
  ['no address', 'no address'],
])('%s without its secrets is %s', (address, bare) => {
  expect(withoutSecrets(address)).toBe(bare);
  expect(withoutUser(bare)).toBe(bare);
});

const env = {
  DATABASE_URL: 'postgres://u:secret-of-the-database@127.0.0.1:9/d',
  BACKFILL_TABLE: 'docs',
  BACKFILL_TEXT: 'a',
  BACKFILL_MODEL_ENDPOINT: 'https://user:secret-of-the-model@models.example/v1?key=secret-too',
  BACKFILL_MODEL_HUB: 'https://user:secret-of-the-hub@hub.example/models',
  BACKFILL_MODEL_API_KEY: 'secret-key',
};

it('what the ledger is given holds none', async () => {
  const { settings } = await loadConfig({ flags: {}, env, cwd: '/' });
  const stored = storedSettings(settings);
  expect(JSON.stringify(stored)).not.toMatch(/secret-/);
  expect(stored).toMatchObject({
    model: { endpoint: 'https://models.example/v1', hub: 'https://hub.example/models' },
  });
});

it('an address that is refused is not shown with its user', async () => {
  for (const name of ['BACKFILL_MODEL_ENDPOINT', 'BACKFILL_MODEL_HUB'] as const)
    for (const wrong of ['ftp://user:secret@host/', 'https://user:secret@ho st/'])
      await expect(loadConfig({ flags: {}, env: { ...env, [name]: wrong }, cwd: '/' })).rejects.toMatchObject(
        {
          message: expect.not.stringContaining('secret') as string,
        },
      );
});

it('a process that is started gets what Node needs, and no secret of its starter', () => {
  const secrets = {
    ...env,
    REDIS_URL: 's',
    PGPASSWORD: 's',
    HF_TOKEN: 's',
    STRIPE_KEY: 's',
    NODE_AUTH_TOKEN: 's',
  };
  const given = childEnvironment({
    PATH: '/bin',
    HOME: '/root',
    NODE_OPTIONS: '--no-warnings',
    LC_ALL: 'C',
    ...secrets,
  });
  expect(given).toEqual({
    PATH: '/bin',
    HOME: '/root',
    NODE_OPTIONS: '--no-warnings',
    LC_ALL: 'C',
    ORT_DISABLE_TELEMETRY: '1',
  });
});
