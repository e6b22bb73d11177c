import { expect, it } from 'vitest';
import { plainTextConnections } from '../../src/config/plain-text.ts';

const [DATABASE, QUEUE] = ['postgres://u:secret@127.0.0.1:5432/d', 'redis://localhost:6379'];
type Addresses = Parameters<typeof plainTextConnections>[0];
const NO_ENDPOINT = { endpoint: undefined };
type Given = Partial<Pick<Addresses, 'queue' | 'model'>> & { database?: string; direct?: string };
const addresses = ({
  database = DATABASE,
  direct,
  queue = QUEUE,
  model = NO_ENDPOINT,
}: Given): Addresses => ({
  database: { url: database, direct },
  queue,
  model,
});
const found = (given: Given, env: NodeJS.ProcessEnv = {}): string[] =>
  plainTextConnections(addresses(given), env).map(({ option }) => option);

it.each([
  {},
  { database: 'postgres:///d?host=/var/run/postgresql', queue: 'redis://[::1]:6379' },
  { database: 'postgres://u@db.example/d?sslmode=verify-full', queue: 'rediss://queue.example:6380' },
  {
    database: 'postgres://u@db.example/d?sslmode=require',
    queue: 'rediss+cluster://a.example:1,b.example:2',
  },
  { database: 'postgres://u@db.example/d?ssl=true', queue: 'postgres://u@db.example/d?sslmode=no-verify' },
  { model: { endpoint: 'https://models.example/v1' } },
  { model: { endpoint: 'http://127.0.0.1:8080/v1' } },
])('%j leaves nothing to be read on the way', (settings) => {
  expect(found(settings)).toEqual([]);
});

it.each([
  [{ database: 'postgres://u:secret@db.example/d' }, ['database']],
  [{ database: 'postgres://u@db.example:5432/d?sslmode=disable' }, ['database']],
  [{ database: 'postgres:///d?host=db.example' }, ['database']],
  [{ direct: 'postgres://u:secret@db.example/d' }, ['database.direct']],
  [{ queue: 'redis://u:secret@queue.example:6379' }, ['queue']],
  [{ queue: 'redis+sentinel://127.0.0.1:1,b.example:2/main' }, ['queue']],
  [{ queue: 'postgres://u@queue.example/d' }, ['queue']],
  [{ model: { endpoint: 'http://user:secret@models.example/v1' } }, ['model.endpoint']],
])('%j is warned of, without its password', (settings, options) => {
  expect(found(settings)).toEqual(options);
  const told = plainTextConnections(addresses(settings), {});
  expect(JSON.stringify(told)).not.toContain('secret');
  expect(told[0]?.message).toContain('.example is not encrypted');
});

it('is warned of, too, where the server may say that there is to be none', () => {
  expect(found({ database: 'postgres://u@db.example/d?sslmode=prefer' })).toEqual(['database']);
});

it('goes by PGSSLMODE, as libpq does', () => {
  const database = 'postgres://u@db.example/d';
  expect(found({ database }, { PGSSLMODE: 'verify-full' })).toEqual([]);
  expect(found({ database: `${database}?sslmode=disable` }, { PGSSLMODE: 'verify-full' })).toEqual([
    'database',
  ]);
});
