/** The embedded server of the demo and the folder of its model, put away again whatever happens. */

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Invocation } from '../../src/cli/command.ts';
import { startEmbeddedServer } from '../../src/embedded/start-server.ts';

interface DemoServer {
  url: string;
  pid: number;
  models: string;
  /** Leaves server and folder where they are. */
  keep(): void;
}

export async function withDemoServer<T>(
  { host, say }: Invocation,
  work: (server: DemoServer) => Promise<T>,
): Promise<T> {
  const server = await startEmbeddedServer({
    logger: { info: say },
    ...(host.embeddedImage === undefined ? {} : { image: host.embeddedImage }),
  });
  const models = await mkdtemp(join(tmpdir(), 'pgvector-backfill-demo-'));
  let kept = false;
  const keep = (): void => {
    kept = true;
    server.detach();
  };
  // A second Ctrl-C ends the process at once, and what is below with it.
  const removeModels = (): void => rmSync(models, { recursive: true, force: true });
  process.on('exit', removeModels);
  try {
    return await work({ url: server.url, pid: server.pid, models, keep });
  } finally {
    process.off('exit', removeModels);
    if (!kept) {
      await server.stop();
      await rm(models, { recursive: true, force: true });
    }
  }
}
