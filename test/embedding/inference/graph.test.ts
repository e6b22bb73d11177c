/** Every kind of input and output that embedding models' graphs have, in graphs of a few nodes. */

import { describe, expect, it } from 'vitest';
import { Graph } from '../../../src/embedding/inference/graph.ts';
import { loadRuntime } from '../../../src/embedding/inference/onnx-runtime.ts';
import { pool } from '../../../src/embedding/inference/pooling.ts';
import { ELEMENT, modelFile, node, tensor, type Node, type Port } from '../../../src/onnx/write.ts';

const WORDS = 10;
const PADDING = { token: 9, side: 'right' } as const;
/** Token n is [n, 100 + n]. */
const table = tensor(
  'table',
  'float',
  [WORDS, 2],
  Float32Array.from({ length: WORDS * 2 }, (_, at) => (at % 2 === 0 ? at / 2 : 100 + (at - 1) / 2)),
);
const tensors = [
  table,
  tensor('axis', 'int64', [1], BigInt64Array.of(2n)),
  tensor('end', 'int64', [], BigInt64Array.of(-1n)),
];
const ids = (name: string, element: 'int64' | 'int32' = 'int64'): Port => ({
  name,
  element,
  shape: ['batch', 'sequence'],
});
const vectors = (name: string): Port => ({ name, element: 'float', shape: ['batch', 'sequence', 2] });
const pooled = (name: string, width = 2): Port => ({ name, element: 'float', shape: ['batch', width] });
const op = (operator: string, inputs: string[], output: string, attributes = {}): Node =>
  node({ operator, inputs, outputs: [output], attributes });
const lookUp = (output: string): Node => op('Gather', ['table', 'input_ids'], output, { axis: 0 });
/** `ids` of that input, added to both components. */
const plus = (input: string, before: string, output: string): Node[] => [
  op('Cast', [input], `${input}_float`, { to: ELEMENT.float }),
  op('Unsqueeze', [`${input}_float`, 'axis'], `${input}_column`),
  op('Add', [before, `${input}_column`], output),
];

interface Made {
  inputs: Port[];
  outputs: Port[];
  nodes: Node[];
}

async function load(
  { inputs, outputs, nodes }: Made,
  padding: { token: number; side: 'left' | 'right' } = PADDING,
  wantsPooled = false,
  architectures: string[] = [],
): Promise<Graph> {
  const runtime = await loadRuntime();
  const file = modelFile({ name: 'g', inputs, outputs, nodes, tensors }, { '': 13 });
  const session = await runtime.InferenceSession.create(file, { logSeverityLevel: 3 });
  return new Graph(
    runtime,
    session,
    { num_attention_heads: 2, hidden_size: 8, architectures },
    padding,
    wantsPooled,
  );
}

const LINES = [[1, 2, 3], [4]];

describe('a graph', () => {
  it.each(['last_hidden_state', 'token_embeddings', 'of_its_own'])(
    'has vectors of tokens: %s',
    async (name) => {
      const graph = await load({
        inputs: [ids('input_ids')],
        outputs: [vectors(name)],
        nodes: [lookUp(name)],
      });
      expect(await graph.run(LINES)).toEqual({
        data: Float32Array.of(1, 101, 2, 102, 3, 103, 4, 104, 9, 109, 9, 109),
        sequence: 3,
        dimensions: 2,
        isPooled: false,
      });
    },
  );

  it('is fed the mask, kinds, positions and a past without a token, in 32 bits where it wants them', async () => {
    const past = (name: string): Port => ({
      name: `past_key_values.0.${name}`,
      element: 'float',
      shape: ['batch', 2, 'past', 4],
    });
    const graph = await load({
      inputs: [
        ids('input_ids', 'int32'),
        ids('attention_mask'),
        ids('token_type_ids'),
        ids('position_ids'),
        past('key'),
        past('value'),
      ],
      outputs: [vectors('last_hidden_state')],
      nodes: [
        lookUp('words'),
        ...plus('attention_mask', 'words', 'masked'),
        ...plus('token_type_ids', 'masked', 'kinds'),
        ...plus('position_ids', 'kinds', 'placed'),
        op('ReduceSum', ['past_key_values.0.key'], 'keys', { keepdims: 0 }),
        op('ReduceSum', ['past_key_values.0.value'], 'values', { keepdims: 0 }),
        op('Add', ['placed', 'keys'], 'with_keys'),
        op('Add', ['with_keys', 'values'], 'last_hidden_state'),
      ],
    });
    const { data } = await graph.run(LINES);
    expect([...data]).toEqual([2, 102, 4, 104, 6, 106, 5, 105, 9, 109, 9, 109]);
  });

  it('reads and gives float16: the mask, a past without a token, and vectors', async () => {
    const half = (port: Port): Port => ({ ...port, element: 'float16' });
    const past = half({ name: 'past_key_values.0.key', element: 'float16', shape: ['batch', 2, 'past', 4] });
    const graph = await load({
      inputs: [ids('input_ids'), half(ids('attention_mask')), past],
      outputs: [half(vectors('last_hidden_state'))],
      nodes: [
        lookUp('words'),
        ...plus('attention_mask', 'words', 'masked'),
        op('Cast', ['masked'], 'halves', { to: ELEMENT.float16 }),
        op('ReduceSum', ['past_key_values.0.key'], 'keys', { keepdims: 0 }),
        op('Add', ['halves', 'keys'], 'last_hidden_state'),
      ],
    });
    const { data } = await graph.run(LINES);
    expect(data).toBeInstanceOf(Float32Array);
    expect([...data]).toEqual([2, 102, 3, 103, 4, 104, 5, 105, 9, 109, 9, 109]);
  });

  const OWN: Made = {
    inputs: [ids('input_ids'), ids('position_ids')],
    outputs: [vectors('last_hidden_state'), pooled('sentence_embedding')],
    nodes: [
      lookUp('words'),
      ...plus('position_ids', 'words', 'last_hidden_state'),
      op('Gather', ['last_hidden_state', 'end'], 'sentence_embedding', { axis: 1 }),
    ],
  };

  it("pools by itself where that is wanted, with the padding on the side of the model's tokenizer", async () => {
    const left = await load(OWN, { token: 9, side: 'left' }, true);
    expect(await left.run(LINES)).toEqual({
      data: Float32Array.of(5, 105, 4, 104),
      sequence: 1,
      dimensions: 2,
      isPooled: true,
    });
    const tokens = await (await load(OWN, { token: 9, side: 'left' })).run(LINES);
    expect(tokens).toMatchObject({ isPooled: false, sequence: 3 });
    expect([...tokens.data.subarray(6, 8)]).toEqual([4, 104]);
  });

  it.each(['sentence_embedding', 'pooler_output'])('has a vector of the text alone: %s', async (name) => {
    const nodes = [lookUp('words'), op('Gather', ['words', 'end'], name, { axis: 1 })];
    const graph = await load({ inputs: [ids('input_ids')], outputs: [pooled(name)], nodes });
    expect(await graph.run([[1, 2]])).toMatchObject({ isPooled: true, data: Float32Array.of(2, 102) });
  });

  it('that pools nothing by itself is not asked to', async () => {
    const made = {
      inputs: [ids('input_ids')],
      outputs: [vectors('last_hidden_state')],
      nodes: [lookUp('last_hidden_state')],
    };
    await expect(load(made, PADDING, true)).rejects.toMatchObject({
      message: expect.stringContaining('model.pooling is graph') as string,
    });
  });

  const first = (output: string): Node[] => [
    lookUp('words'),
    op('Gather', ['words', 'end'], output, { axis: 1 }),
  ];
  it.each<[string, Made]>([
    ['reranker', { inputs: [ids('input_ids')], outputs: [pooled('logits')], nodes: first('logits') }],
    [
      'gives words (logits)',
      { inputs: [ids('input_ids')], outputs: [vectors('logits')], nodes: [lookUp('logits')] },
    ],
    ['CLIP', { inputs: [ids('input_ids')], outputs: [pooled('text_embeds')], nodes: first('text_embeds') }],
    [
      'pixel_values',
      {
        inputs: [{ name: 'pixel_values', element: 'float', shape: ['batch', 2, 2] }],
        outputs: [vectors('last_hidden_state')],
        nodes: [op('Identity', ['pixel_values'], 'last_hidden_state')],
      },
    ],
    [
      'encoder and decoder',
      {
        inputs: [ids('input_ids'), ids('decoder_input_ids')],
        outputs: [vectors('last_hidden_state')],
        nodes: [lookUp('words'), ...plus('decoder_input_ids', 'words', 'last_hidden_state')],
      },
    ],
    [
      'task_id), such as jina-embeddings-v3',
      {
        inputs: [ids('input_ids'), ids('task_id')],
        outputs: [vectors('last_hidden_state')],
        nodes: [lookUp('words'), ...plus('task_id', 'words', 'last_hidden_state')],
      },
    ],
    ['gives no vectors', { inputs: [ids('input_ids')], outputs: [pooled('odd')], nodes: first('odd') }],
  ])('is refused by name: %s', async (name, made) => {
    await expect(load(made)).rejects.toMatchObject({
      message: expect.stringContaining(name) as string,
      remedy: expect.stringContaining('Take ') as string,
    });
  });

  it.each([
    ['Qwen3ForCausalLM', 'logits', 'a language model with its head: Qwen3ForCausalLM'],
    ['BertForMaskedLM', 'logits', 'fills in words, or a sparse one of that kind (SPLADE): BertForMaskedLM'],
    ['HF_ColBERT', 'last_hidden_state', 'a vector for each token (ColBERT): HF_ColBERT'],
  ])('is refused by its class, where outputs alone do not tell: %s', async (architecture, output, words) => {
    const made = { inputs: [ids('input_ids')], outputs: [vectors(output)], nodes: [lookUp(output)] };
    await expect(load(made, PADDING, false, [architecture])).rejects.toMatchObject({
      message: expect.stringContaining(words) as string,
    });
  });

  it('with hidden states is taken whatever head its class has', async () => {
    const made = {
      inputs: [ids('input_ids')],
      outputs: [vectors('last_hidden_state')],
      nodes: [lookUp('last_hidden_state')],
    };
    const graph = await load(made, PADDING, false, ['Qwen3ForCausalLM']);
    expect(graph.isPooled).toBe(false);
  });
});

describe('pooling', () => {
  const tokens = { data: Float32Array.of(1, 10, 2, 20, 6, 0, 99, 99), sequence: 4, dimensions: 2 };
  it.each([
    ['mean', [3, 10]],
    ['cls', [1, 10]],
    ['max', [6, 20]],
    ['last', [6, 0]],
    ['weighted-mean', [(1 + 4 + 18) / 6, 50 / 6]],
  ] as const)('%s, of the tokens of the text alone', (how, expected) => {
    const target = new Float32Array(2);
    pool(tokens, 0, 3, how, target);
    for (const [at, value] of expected.entries()) expect(target[at]).toBeCloseTo(value, 5);
  });
});
