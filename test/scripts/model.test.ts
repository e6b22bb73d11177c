import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeHub } from '../embedding/model-files/fake-hub.ts';
import { runCommand, type CommandResult } from '../setup/command.ts';
import { sampleModel } from '../setup/model.ts';

describe('model', () => {
  const source = sampleModel();
  let hub: FakeHub;
  let root: string;
  beforeAll(async () => {
    hub = await FakeHub.start(join(source.localPath, source.name), 'org/small');
    root = await mkdtemp(join(tmpdir(), 'pgvector-backfill-models-'));
  });
  afterAll(async () => {
    await hub.stop();
    await rm(root, { recursive: true });
  });
  const run = (args: string[], env: Record<string, string> = {}): Promise<CommandResult> =>
    runCommand('model', args, {
      BACKFILL_MODEL_NAME: 'org/small',
      BACKFILL_MODEL_LOCAL_PATH: root,
      BACKFILL_MODEL_HUB: hub.origin,
      BACKFILL_MODEL_QUANTIZED: 'false',
      ...env,
    });

  it('tells what is missing, fetches it, finds it usable and lists it', async () => {
    const missing = await run(['check', '--json']);
    expect(missing.code).toBe(3);
    expect(missing.json()).toMatchObject({
      name: 'org/small',
      folder: join(root, 'org/small'),
      usable: false,
      revision: null,
      checksum: null,
      dimensions: null,
      problem: expect.stringContaining('model fetch') as string,
    });
    expect((missing.json() as { files: object[] }).files).toContainEqual({
      path: 'config.json',
      present: false,
      bytes: null,
    });
    expect(hub.asked).toEqual([]);

    const fetched = await run(['fetch', '--json']);
    expect(fetched.code).toBe(0);
    const { files, checksum } = fetched.json() as {
      files: { path: string; bytes: number; sha256: string; fetched: boolean }[];
      checksum: string;
    };
    expect(files).toHaveLength(4);
    for (const file of files)
      expect(file).toEqual({
        path: expect.any(String) as string,
        bytes: expect.any(Number) as number,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        fetched: true,
      });

    const usable = await run(['check', '--json']);
    expect(usable.code).toBe(0);
    expect(usable.json()).toMatchObject({
      usable: true,
      revision: 'main',
      checksum,
      dimensions: source.dimensions,
      problem: null,
    });
    expect((await run(['check'], { BACKFILL_MODEL_CHECKSUM: checksum })).stdout).toContain(
      `is usable: ${source.dimensions} dimensions`,
    );
    const other = await run(['check', '--json'], { BACKFILL_MODEL_CHECKSUM: 'e'.repeat(64) });
    expect(other.code).toBe(3);
    expect((other.json() as { problem: string }).problem).toContain(checksum);

    const listed = await run(['list', '--json']);
    expect(listed.json()).toEqual({
      root,
      models: [
        {
          name: 'org/small',
          folder: join(root, 'org/small'),
          dtypes: ['fp32'],
          bytes: files.find(({ path }) => path === 'onnx/model.onnx')?.bytes,
          static: false,
          revision: 'main',
        },
      ],
    });
    expect((await run(['list'])).stdout).toMatch(/org\/small {2}fp32 .* revision main/);
  });

  it('finds a damaged graph not usable, and says which file to look at', async () => {
    await run(['fetch']);
    await writeFile(join(root, 'org/small/onnx/model.onnx'), 'no graph');
    const { code, stdout } = await run(['check']);
    expect(code).toBe(3);
    expect(stdout).toContain('NOT usable');
    await rm(join(root, 'org/small/onnx/model.onnx'));
    expect((await run(['fetch'])).stdout).toMatch(/fetched .* onnx\/model\.onnx/);
    expect((await run(['check'])).code).toBe(0);
  });

  it('has no files where the model is on a server', async () => {
    for (const action of ['fetch', 'check']) {
      const { code, stderr } = await run([action], { BACKFILL_MODEL_ENDPOINT: 'http://127.0.0.1:9/v1' });
      expect(code).toBe(2);
      expect(stderr).toContain('model.endpoint');
    }
  });
});
