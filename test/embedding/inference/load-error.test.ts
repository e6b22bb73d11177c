import { expect, it } from 'vitest';
import { loadError } from '../../../src/embedding/inference/load-error.ts';

const REQUEST = {
  options: { name: 'small' },
  location: { folder: '/models/small' },
} as Parameters<typeof loadError>[0];

it('a library that the tokenizer brings along and that is not whole is told from a bad model', () => {
  const ofModel = loadError(REQUEST, 'the graph cannot be loaded: protobuf parsing failed');
  expect(ofModel.remedy).toContain('/models/small');
  const ofSharp = loadError(
    REQUEST,
    'the tokenizer cannot be loaded: Something went wrong installing the "sharp" module',
  );
  expect(ofSharp).toMatchObject({
    code: 'MODEL_UNUSABLE',
    remedy: expect.stringContaining('"overrides"') as string,
  });
});
