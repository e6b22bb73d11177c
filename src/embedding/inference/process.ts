/**
 * An inference process. A session.run blocks its thread for as long as it computes, which is why it is not in the main
 * process: there it would starve lock renewal and database I/O. A process and not a thread: both are equally fast
 * (docs/embedding.md), but to end a thread that is computing aborts all of Node with the native runtime, and a crash in
 * native code must not take the worker along.
 */

import { messageOf } from '../../errors.ts';
import { emptyEmbeddings, type Embeddings } from '../embedder.ts';
import { LocalModel } from './local-model.ts';
import { UnusableModel } from './unusable.ts';
import type { FromInference, LoadRequest, TextRequest, ToInference } from './messages.ts';

const say = (message: FromInference): void => void process.send?.(message);
const cancelled = new Set<number>();
let engine: LocalModel | null = null;
/** Requests are worked off one after the other; the next one waits here, so that it begins without a delay. */
let last: Promise<void> = Promise.resolve();

async function start(request: LoadRequest): Promise<void> {
  try {
    engine = await LocalModel.load(request);
    const probe = await engine.embed(['probe'], 'document');
    const { isLookUp, tokenizer } = engine;
    say({ type: 'ready', dimensions: probe.vectors.length, maxTokens: tokenizer.maxTokens, isLookUp });
  } catch (error) {
    const remedy = error instanceof UnusableModel ? error.remedy : undefined;
    say({ type: 'unusable', message: messageOf(error), remedy });
  }
}

async function answer(request: TextRequest): Promise<void> {
  const { id } = request;
  try {
    if (engine === null) throw new Error('no model is loaded');
    const isCancelled = (): boolean => cancelled.has(id);
    const answered: FromInference =
      request.type === 'cut'
        ? { type: 'cut', id, ...(await engine.cut(request.texts, isCancelled)) }
        : {
            type: 'embedded',
            id,
            ...(request.type === 'count'
              ? count(engine, request)
              : await engine.embed(request.texts, request.as, isCancelled)),
          };
    say(isCancelled() ? { type: 'failed', id, message: 'cancelled' } : answered);
  } catch (error) {
    say({ type: 'failed', id, message: messageOf(error) });
  }
  cancelled.delete(id);
}

function count({ tokenizer }: LocalModel, { texts }: TextRequest): Embeddings {
  return {
    ...emptyEmbeddings(texts.length),
    tokens: Int32Array.from(texts, (text) => tokenizer.count(text)),
  };
}

process.on('message', (message: ToInference) => {
  if (message.type === 'cancel') cancelled.add(message.id);
  else if (message.type === 'load') void start(message);
  else last = last.then(() => answer(message));
});
// Ends with its parent, however that ends; Ctrl-C in a terminal, and its end, reach this process too, but a draining parent
// still needs it.
process.on('disconnect', () => process.exit(0));
if (!process.connected) process.exit(0);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
