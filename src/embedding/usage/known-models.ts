/**
 * How well-known models are used, for folders whose files do not say it: most conversions for transformers.js have none of
 * them. Each with the page that says so.
 */

import type { StatedUsage } from './maker-files.ts';

export interface KnownModel {
  /** Of the name without its organisation, in small letters. */
  names: RegExp;
  /** As people write them. */
  shown: string;
  usage: StatedUsage;
  /** Of one of them. */
  page: string;
}

const none = { documentPrefix: '', queryPrefix: '' };
const PASSAGES = 'Represent this sentence for searching relevant passages: ';
const WEB_SEARCH =
  'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:';
const hub = (name: string): string => `https://huggingface.co/${name}`;

export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    names: /^all-minilm-l6-v[12]$/,
    shown: 'all-MiniLM-L6',
    usage: { pooling: 'mean', normalize: true, maxTokens: 256, ...none },
    page: hub('sentence-transformers/all-MiniLM-L6-v2'),
  },
  {
    names: /^all-minilm-l12-v[12]$/,
    shown: 'all-MiniLM-L12',
    usage: { pooling: 'mean', normalize: true, maxTokens: 128, ...none },
    page: hub('sentence-transformers/all-MiniLM-L12-v2'),
  },
  {
    names: /^all-mpnet-base-v2$/,
    shown: 'all-mpnet-base-v2',
    usage: { pooling: 'mean', normalize: true, maxTokens: 384, ...none },
    page: hub('sentence-transformers/all-mpnet-base-v2'),
  },
  {
    names: /^paraphrase-multilingual-(minilm-l12|mpnet-base)-v2$/,
    shown: 'paraphrase-multilingual-MiniLM-L12-v2, -mpnet-base-v2',
    usage: { pooling: 'mean', maxTokens: 128, ...none },
    page: hub('sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2'),
  },
  {
    names: /^bge-(small|base|large)-en(-v1\.5)?$/,
    shown: 'bge-…-en, bge-…-en-v1.5',
    usage: { pooling: 'cls', normalize: true, maxTokens: 512, documentPrefix: '', queryPrefix: PASSAGES },
    page: hub('BAAI/bge-small-en-v1.5'),
  },
  {
    names: /^bge-(small|base|large)-zh(-v1\.5)?$/,
    shown: 'bge-…-zh, bge-…-zh-v1.5',
    usage: {
      pooling: 'cls',
      normalize: true,
      maxTokens: 512,
      documentPrefix: '',
      queryPrefix: '为这个句子生成表示以用于检索相关文章：',
    },
    page: hub('BAAI/bge-small-zh-v1.5'),
  },
  {
    names: /^bge-m3$/,
    shown: 'bge-m3',
    usage: { pooling: 'cls', normalize: true, maxTokens: 8192, ...none },
    page: hub('BAAI/bge-m3'),
  },
  {
    names: /^(e5-(small|base|large)(-v2)?|multilingual-e5-(small|base|large))$/,
    shown: 'e5-…, e5-…-v2, multilingual-e5-…',
    usage: {
      pooling: 'mean',
      normalize: true,
      maxTokens: 512,
      documentPrefix: 'passage: ',
      queryPrefix: 'query: ',
    },
    page: hub('intfloat/multilingual-e5-small'),
  },
  {
    names: /^multilingual-e5-large-instruct$/,
    shown: 'multilingual-e5-large-instruct',
    usage: {
      pooling: 'mean',
      normalize: true,
      maxTokens: 512,
      documentPrefix: '',
      queryPrefix: `${WEB_SEARCH} `,
    },
    page: hub('intfloat/multilingual-e5-large-instruct'),
  },
  {
    names: /^gte-(small|base|large)$/,
    shown: 'gte-small, -base, -large',
    usage: { pooling: 'mean', normalize: true, maxTokens: 512, ...none },
    page: hub('thenlper/gte-small'),
  },
  {
    names: /^gte-((base|large)-en-v1\.5|multilingual-base|modernbert-base)$/,
    shown: 'gte-…-en-v1.5, gte-multilingual-base, gte-modernbert-base',
    usage: { pooling: 'cls', normalize: true, maxTokens: 8192, ...none },
    page: hub('Alibaba-NLP/gte-modernbert-base'),
  },
  {
    names: /^mxbai-embed-large-v1$/,
    shown: 'mxbai-embed-large-v1',
    usage: { pooling: 'cls', maxTokens: 512, documentPrefix: '', queryPrefix: PASSAGES },
    page: hub('mixedbread-ai/mxbai-embed-large-v1'),
  },
  {
    names: /^(nomic-embed-text-v1(\.5)?|modernbert-embed-base)$/,
    shown: 'nomic-embed-text-v1, -v1.5, modernbert-embed-base',
    usage: {
      pooling: 'mean',
      normalize: true,
      maxTokens: 8192,
      documentPrefix: 'search_document: ',
      queryPrefix: 'search_query: ',
    },
    page: hub('nomic-ai/nomic-embed-text-v1.5'),
  },
  {
    names: /^snowflake-arctic-embed-(xs|s|m|l|m-v1\.5)$/,
    shown: 'snowflake-arctic-embed-xs, -s, -m, -l, -m-v1.5',
    usage: { pooling: 'cls', normalize: true, maxTokens: 512, documentPrefix: '', queryPrefix: PASSAGES },
    page: hub('Snowflake/snowflake-arctic-embed-m-v1.5'),
  },
  {
    names: /^snowflake-arctic-embed-(m|l)-v2\.0$/,
    shown: 'snowflake-arctic-embed-m-v2.0, -l-v2.0',
    usage: { pooling: 'cls', normalize: true, maxTokens: 8192, documentPrefix: '', queryPrefix: 'query: ' },
    page: hub('Snowflake/snowflake-arctic-embed-m-v2.0'),
  },
  {
    names: /^jina-embeddings-v2-(small|base)-(en|de|es|zh|code)$/,
    shown: 'jina-embeddings-v2-…',
    usage: { pooling: 'mean', maxTokens: 8192, ...none },
    page: hub('jinaai/jina-embeddings-v2-base-en'),
  },
  {
    names: /^qwen3-embedding-(0\.6|4|8)b$/,
    shown: 'Qwen3-Embedding-…',
    usage: { pooling: 'last', normalize: true, maxTokens: 8192, documentPrefix: '', queryPrefix: WEB_SEARCH },
    page: hub('Qwen/Qwen3-Embedding-0.6B'),
  },
  {
    names: /^embeddinggemma-300m$/,
    shown: 'embeddinggemma-300m',
    usage: {
      pooling: 'graph',
      normalize: true,
      maxTokens: 2048,
      documentPrefix: 'title: none | text: ',
      queryPrefix: 'task: search result | query: ',
    },
    page: hub('google/embeddinggemma-300m'),
  },
];

/** Conversions are called as what they were made of, with or without what they were made for. */
export function knownModel(name: string): KnownModel | undefined {
  const plain = (name.split('/').at(-1) ?? '').toLowerCase().replace(/-onnx$/, '');
  return KNOWN_MODELS.find(({ names }) => names.test(plain));
}
