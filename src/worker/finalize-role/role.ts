import type { Embedder } from '../../embedding/embedder.ts';
import type { WorkerContext } from '../context.ts';

export interface FinalizeRole {
  context: WorkerContext;
  /** The model of the gate; closed behind each use. */
  openEmbedder: () => Promise<Embedder>;
}
