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
    names: /^all-minilm-l6-v2$/,
    shown: 'all-MiniLM-L6-v2',
    usage: { pooling: 'mean', normalize: true, maxTokens: 256, ...none },
    page: hub('sentence-transformers/all-MiniLM-L6-v2'),
  },
  {
    names: /^all-minilm-l12-v2$/,
    shown: 'all-MiniLM-L12-v2',
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
    names: /^all-distilroberta-v1$/,
    shown: 'all-distilroberta-v1',
    usage: { pooling: 'mean', normalize: true, maxTokens: 512, ...none },
    page: hub('sentence-transformers/all-distilroberta-v1'),
  },
  {
    names: /^multi-qa-(minilm-l6|distilbert|mpnet-base)-cos-v1$/,
    shown: 'multi-qa-MiniLM-L6-cos-v1, -distilbert-cos-v1, -mpnet-base-cos-v1',
    usage: { pooling: 'mean', normalize: true, maxTokens: 512, ...none },
    page: hub('sentence-transformers/multi-qa-MiniLM-L6-cos-v1'),
  },
  {
    names: /^multi-qa-mpnet-base-dot-v1$/,
    shown: 'multi-qa-mpnet-base-dot-v1',
    usage: { pooling: 'cls', normalize: false, maxTokens: 512, ...none },
    page: hub('sentence-transformers/multi-qa-mpnet-base-dot-v1'),
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
    names: /^gte-(small|base|large)-zh$/,
    shown: 'gte-small-zh, -base-zh, -large-zh',
    usage: { pooling: 'cls', normalize: true, maxTokens: 512, ...none },
    page: hub('thenlper/gte-small-zh'),
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
    names: /^uae-large-v1$/,
    shown: 'UAE-Large-V1',
    usage: { pooling: 'cls', maxTokens: 512, documentPrefix: '', queryPrefix: PASSAGES },
    page: hub('WhereIsAI/UAE-Large-V1'),
  },
  {
    names: /^granite-embedding-((30m|125m)-english|(107m|278m)-multilingual)$/,
    shown: 'granite-embedding-30m-english, -125m-english, -107m-multilingual, -278m-multilingual',
    usage: { pooling: 'cls', normalize: true, maxTokens: 512, ...none },
    page: hub('ibm-granite/granite-embedding-125m-english'),
  },
  {
    names: /^granite-embedding-(small-)?english-r2$/,
    shown: 'granite-embedding-english-r2, -small-english-r2',
    usage: { pooling: 'cls', normalize: true, maxTokens: 8192, ...none },
    page: hub('ibm-granite/granite-embedding-english-r2'),
  },
  {
    names: /^(nomic-embed-text-v1(\.5)?|modernbert-embed-(base|large))$/,
    shown: 'nomic-embed-text-v1, -v1.5, modernbert-embed-base, -large',
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
    names: /^snowflake-arctic-embed-m-long$/,
    shown: 'snowflake-arctic-embed-m-long',
    usage: { pooling: 'cls', normalize: true, maxTokens: 2048, documentPrefix: '', queryPrefix: PASSAGES },
    page: hub('Snowflake/snowflake-arctic-embed-m-long'),
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
  {
    names: /^potion-/,
    shown: 'potion-…',
    usage: { pooling: 'mean', normalize: true, maxTokens: 512, ...none },
    page: hub('minishlab/potion-base-8M'),
  },
];

/** Conversions are called as what they were made of, with or without what they were made for. */
export const plainName = (name: string): string =>
  (name.split('/').at(-1) ?? '').toLowerCase().replace(/-onnx(-q)?$/, '');

export function knownModel(name: string): KnownModel | undefined {
  const plain = plainName(name);
  return KNOWN_MODELS.find(({ names }) => names.test(plain));
}
