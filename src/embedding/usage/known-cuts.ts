/** What the makers of well-known models say of fewer dimensions. Each with the page that says so, or names no such thing. */

export interface KnownCut {
  /** Of the name without its organisation, in small letters. */
  names: RegExp;
  /** As people write them. */
  shown: string;
  /** Those that they speak of, or any from the least on; none: it was trained for all of them together. */
  to: readonly number[] | { least: number } | 'none';
  /** The vector goes through a layer norm before it is cut. */
  layerNorm?: boolean;
  page: string;
}

const hub = (name: string): string => `https://huggingface.co/${name}`;

export const KNOWN_CUTS: readonly KnownCut[] = [
  {
    names: /^nomic-embed-text-v1\.5$/,
    shown: 'nomic-embed-text-v1.5',
    to: [512, 256, 128, 64],
    layerNorm: true,
    page: hub('nomic-ai/nomic-embed-text-v1.5'),
  },
  {
    names: /^modernbert-embed-(base|large)$/,
    shown: 'modernbert-embed-base, -large',
    to: [256],
    page: hub('nomic-ai/modernbert-embed-base'),
  },
  {
    names: /^snowflake-arctic-embed-(m-v1\.5|m-v2\.0|l-v2\.0)$/,
    shown: 'snowflake-arctic-embed-m-v1.5, -m-v2.0, -l-v2.0',
    to: [256],
    page: hub('Snowflake/snowflake-arctic-embed-m-v1.5'),
  },
  {
    names: /^mxbai-embed-large-v1$/,
    shown: 'mxbai-embed-large-v1',
    to: [512],
    page: hub('mixedbread-ai/mxbai-embed-large-v1'),
  },
  {
    names: /^embeddinggemma-300m$/,
    shown: 'embeddinggemma-300m',
    to: [512, 256, 128],
    page: hub('google/embeddinggemma-300m'),
  },
  {
    names: /^qwen3-embedding-(0\.6|4|8)b$/,
    shown: 'Qwen3-Embedding-…',
    to: { least: 32 },
    page: hub('Qwen/Qwen3-Embedding-0.6B'),
  },
  {
    names: /^gte-multilingual-base$/,
    shown: 'gte-multilingual-base',
    to: { least: 128 },
    page: hub('Alibaba-NLP/gte-multilingual-base'),
  },
  {
    names: /^potion-/,
    shown: 'potion-…',
    to: { least: 1 },
    page: hub('minishlab/potion-base-8M'),
  },
  {
    names: /^static-(retrieval-mrl-en|similarity-mrl-multilingual)-v1$/,
    shown: 'static-retrieval-mrl-en-v1, static-similarity-mrl-multilingual-v1',
    to: [512, 256, 128, 64, 32],
    page: hub('sentence-transformers/static-retrieval-mrl-en-v1'),
  },
  {
    names:
      /^(all-minilm-l(6|12)-v[12]|all-mpnet-base-v2|paraphrase-multilingual-(minilm-l12|mpnet-base)-v2)$/,
    shown: 'all-MiniLM-…, all-mpnet-base-v2, paraphrase-multilingual-…',
    to: 'none',
    page: hub('sentence-transformers/all-MiniLM-L6-v2'),
  },
  {
    names: /^bge-((small|base|large)-(en|zh)(-v1\.5)?|m3)$/,
    shown: 'bge-…, bge-m3',
    to: 'none',
    page: hub('BAAI/bge-small-en-v1.5'),
  },
  {
    names: /^(e5-(small|base|large)(-v2)?|multilingual-e5-(small|base|large|large-instruct))$/,
    shown: 'e5-…, multilingual-e5-…',
    to: 'none',
    page: hub('intfloat/multilingual-e5-small'),
  },
  {
    names: /^gte-(small|base|large)$/,
    shown: 'gte-small, -base, -large',
    to: 'none',
    page: hub('thenlper/gte-small'),
  },
  {
    names: /^nomic-embed-text-v1$/,
    shown: 'nomic-embed-text-v1',
    to: 'none',
    page: hub('nomic-ai/nomic-embed-text-v1'),
  },
  {
    names: /^snowflake-arctic-embed-(xs|s|m|l)$/,
    shown: 'snowflake-arctic-embed-xs, -s, -m, -l',
    to: 'none',
    page: hub('Snowflake/snowflake-arctic-embed-m'),
  },
  {
    names: /^jina-embeddings-v2-(small|base)-(en|de|es|zh|code)$/,
    shown: 'jina-embeddings-v2-…',
    to: 'none',
    page: hub('jinaai/jina-embeddings-v2-base-en'),
  },
];
