/** Whether the configured model can be used: its files, and what opening it tells. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withValues } from '../../config/shape.ts';
import type { Settings } from '../../config/settings.ts';
import type { UsedValue } from '../../config/usage-paths.ts';
import type { Dtype } from '../../config/values/dtype.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import type { OpenEmbedder } from '../embedder.ts';
import { usageOf } from '../usage/usage.ts';
import { modelOptions } from '../open-embedder.ts';
import {
  expectedFiles,
  isStatic,
  locateModel,
  modelChecksum,
  modelDtype,
  modelFileFacts,
  readManifest,
} from './files.ts';

export interface ModelCheck {
  name: string;
  folder: string;
  /** The one that is taken. */
  dtype: Dtype;
  usable: boolean;
  files: { path: string; present: boolean; bytes: number | null }[];
  revision: string | null;
  checksum: string | null;
  dimensions: number | null;
  /** It is a table of vectors, and not a graph. */
  static: boolean;
  usage: UsedValue[];
  /** Why it cannot be used; null where it can. */
  problem: string | null;
}

export async function checkModel(settings: Settings, openEmbedder: OpenEmbedder): Promise<ModelCheck> {
  const options = { ...modelOptions(settings), allowDownload: false };
  const { folder } = locateModel(options);
  const files = await Promise.all(
    expectedFiles(options).map(async (path) => {
      const bytes = (await stat(join(folder, path)).catch(() => null))?.size ?? null;
      return { path, present: bytes !== null, bytes };
    }),
  );
  const result: ModelCheck = {
    name: options.name,
    folder,
    dtype: modelDtype(options),
    usable: false,
    files,
    revision: null,
    checksum: null,
    dimensions: null,
    static: isStatic(options),
    usage: usageOf(settings),
    problem: null,
  };
  try {
    result.revision = (await readManifest(folder))?.revision ?? null;
    if (files.every(({ present }) => present)) result.checksum = modelChecksum(await modelFileFacts(options));
    const embedder = await openEmbedder(withValues(settings, [['model.allowDownload', false]]), 1);
    result.dimensions = embedder.dimensions;
    await embedder.close();
    result.usable = true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    result.problem = `${messageOf(error)}${error.remedy === undefined ? '' : ` ${error.remedy}`}`;
  }
  return result;
}
