/** Embedded servers that begin with a cluster made once for the whole run of the tests, and go on from test to test. */

import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { freshImage } from '../../src/embedded/pglite.ts';
import { startEmbeddedServer, type EmbeddedServer } from '../../src/embedded/start-server.ts';
import { countDatabase, measured } from './measure.ts';

/** A fresh cluster, made by whoever is first; where two are, the second takes the place of the first, which is the same. */
export async function embeddedImage(): Promise<string> {
  const path = inject('embeddedImage');
  if (!existsSync(path)) {
    const part = `${path}.${process.pid}`;
    await writeFile(part, await freshImage());
    await rename(part, path);
  }
  return path;
}

const embeddedServer = (): Promise<EmbeddedServer> =>
  measured('embedded server', async () => startEmbeddedServer({ image: await embeddedImage() }));

/** As a new cluster is: whatever a test has made is gone, settings and roles included. */
const EMPTY = `DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT evtname AS name FROM pg_event_trigger LOOP EXECUTE format('DROP EVENT TRIGGER %I', each.name); END LOOP;
  FOR each IN SELECT pubname AS name FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', each.name); END LOOP;
  FOR each IN SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', each.name); END LOOP;
  FOR each IN SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' LOOP EXECUTE format('DROP EXTENSION %I CASCADE', each.name); END LOOP;
  CREATE SCHEMA public;
  GRANT USAGE ON SCHEMA public TO PUBLIC;
  FOR each IN SELECT rolname AS name FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user LOOP
    EXECUTE format('DROP OWNED BY %I', each.name); EXECUTE format('DROP ROLE %I', each.name); END LOOP;
  EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
  ALTER ROLE CURRENT_USER RESET ALL;
END $$`;

/** One that waits for its next test. */
let idle: EmbeddedServer | null = null;

export interface LentServer {
  url: string;
  /** Emptied for the next one, or ended. */
  giveBack: () => Promise<void>;
}

/** The one that waits, or a new one. */
export async function lentServer(): Promise<LentServer> {
  const server = idle ?? (await embeddedServer());
  idle = null;
  return {
    url: server.url,
    giveBack: async () => {
      if (idle === null && (await emptied(server))) idle = server;
      else await server.stop();
    },
  };
}

export async function embeddedDatabase(): Promise<{
  databaseUrl: string;
  queueUrl: string;
  drop: () => Promise<void>;
}> {
  const { url, giveBack } = await lentServer();
  countDatabase('the embedded server');
  return { databaseUrl: url, queueUrl: url, drop: giveBack };
}

/** False where it does not answer any more, or not as it should: then it is not used again. */
async function emptied({ url }: EmbeddedServer): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 10_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('ROLLBACK');
    await client.query(EMPTY);
    await client.query('DISCARD ALL');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
