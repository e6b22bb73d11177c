/** The model: which one, how it reads a text, and the server that runs it where that is none of ours. */

import { z } from 'zod';
import { option, parseBoolean, parseNumber } from '../option.ts';
import { ASKED_DTYPES, DEFAULT_ASKED_DTYPE } from '../values/dtype.ts';
import { url, wholeNumber } from './schemas.ts';

export const model = {
  name: option({
    schema: z.string().min(1),
    fallback: 'Xenova/all-MiniLM-L6-v2',
    help: 'Model: a folder in model.localPath, or a name on the hub',
  }),
  localPath: option({
    schema: z.string().min(1),
    fallback: './models',
    help: 'Folder with the models, or the folder of the one model; downloads are stored there',
  }),
  allowDownload: option({
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: false,
    help: 'Download model files that are not in model.localPath from the hub',
  }),
  dtype: option({
    schema: z.enum(ASKED_DTYPES),
    fallback: DEFAULT_ASKED_DTYPE,
    help: 'Precision of the model: fp32 (onnx/model.onnx), q8 (onnx/model_quantized.onnx), fp16, int8, uint8, q4, q4f16 or bnb4 (onnx/model_<dtype>.onnx), or auto, the fastest that is in its folder (q8 before fp32)',
  }),
  quantized: option({
    schema: z.boolean().optional(),
    parse: parseBoolean,
    help: 'Short for model.dtype: true is q8, false is fp32',
  }),
  pooling: option({
    schema: z.enum(['mean', 'cls', 'max', 'last', 'weighted-mean', 'graph']),
    fallback: 'mean' as const,
    help: "How token vectors become one vector: mean, cls, max, last, weighted-mean, or graph (as the graph itself pools them); if not set, as the model's files or makers say",
  }),
  normalize: option({
    schema: z.boolean(),
    parse: parseBoolean,
    fallback: true,
    help: "Scale every vector to unit length; if not set, as the model's files or makers say",
  }),
  maxTokens: option({
    schema: wholeNumber(4, 8192),
    parse: parseNumber,
    fallback: 256,
    help: "Maximum tokens of a text that the model reads; if not set, as the model's files or makers say; model.longText says what becomes of a longer one",
  }),
  revision: option({
    schema: z.string().min(1),
    fallback: 'main',
    help: 'Revision of the model on the hub: a branch, a tag or a commit; only a commit never changes',
  }),
  checksum: option({
    schema: z
      .string()
      .regex(/^[0-9a-f]{64}$/, {
        message: 'must be 64 hexadecimal digits, as `pgvector-backfill model check` prints',
      })
      .optional(),
    help: 'SHA-256 of the model files, as `pgvector-backfill model check` prints it; other files are refused',
  }),
  hub: option({
    schema: url(['http', 'https']),
    fallback: 'https://huggingface.co',
    help: 'Hub from which model files are downloaded if model.allowDownload is true',
  }),
  documentPrefix: option({
    schema: z.string().optional(),
    help: 'Prefix of every text before it is embedded, such as "passage: " for E5 models; if not set, that of the model\'s files or makers; empty: none',
  }),
  queryPrefix: option({
    schema: z.string().optional(),
    help: 'Prefix of every query before it is embedded, such as "query: " for E5 models; if not set, that of the model\'s files or makers; empty: none',
  }),
  longText: option({
    schema: z.enum(['truncate', 'mean-of-chunks', 'chunks', 'skip', 'fail']),
    fallback: 'truncate' as const,
    help: 'What becomes of a text of more than model.maxTokens: truncate (cut, counted), mean-of-chunks (average of overlapping chunks), chunks (a vector for each passage; store table only), skip (no vector) or fail (quarantined)',
  }),
  chunkTokens: option({
    schema: wholeNumber(16, 8192).optional(),
    parse: parseNumber,
    help: 'chunks: maximum tokens of a passage, at most model.maxTokens, which it is if not set',
  }),
  chunkOverlap: option({
    schema: wholeNumber(0, 4096),
    parse: parseNumber,
    fallback: 32,
    help: 'chunks, mean-of-chunks: tokens by which neighbouring chunks overlap; less than half of a chunk',
  }),
  maxChunks: option({
    schema: wholeNumber(1, 10_000),
    parse: parseNumber,
    fallback: 64,
    help: 'chunks, mean-of-chunks: maximum chunks of one text; the rest is cut and counted',
  }),
  endpoint: option({
    schema: url(['http', 'https']).optional(),
    help: 'Base URL of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1, that embeds instead of local model files',
  }),
  apiKey: option({
    schema: z.string().min(1).optional(),
    secret: true,
    help: 'API key for model.endpoint; set it by its env variable: a flag is visible in the process list',
  }),
  earlierApiKey: option({
    schema: z.string().min(1).optional(),
    secret: true,
    help: 'API key for the server of another generation, while model.endpoint is that of a new one; set it by its env variable',
  }),
  dimensions: option({
    schema: wholeNumber(1, 16_000).optional(),
    parse: parseNumber,
    help: 'Dimensions of a vector, for models that were made for fewer than all: the first ones of a local model; of model.endpoint those that are requested; if not set, all, or the default of the server',
  }),
  requestTexts: option({
    schema: wholeNumber(1, 2048),
    parse: parseNumber,
    fallback: 64,
    help: 'model.endpoint: maximum texts of one request',
  }),
  requestConcurrency: option({
    schema: wholeNumber(1, 64),
    parse: parseNumber,
    fallback: 4,
    help: 'model.endpoint: maximum concurrent requests of one worker',
  }),
  timeoutSeconds: option({
    schema: wholeNumber(1, 3600),
    parse: parseNumber,
    fallback: 60,
    help: 'model.endpoint: timeout of one request in seconds',
  }),
};
