import { describe, expect, it } from 'vitest';
import { IdenticalVectorsCheck } from '../../src/pipeline/identical-vectors.ts';
import { uniform } from '../../src/random.ts';

const SYLLABLES = ['ba', 'de', 'fi', 'go', 'lu', 'ma', 'ne', 'pi', 'ro', 'su'];
const random = uniform(3);
const word = (): string => Array.from({ length: 4 }, () => SYLLABLES[Math.floor(random() * 10)]).join('');
const unlike = (): string => `${word()} ${word()} ${word()} ${word()}`;
const vector = (shared: number): Float32Array =>
  Float32Array.from({ length: 16 }, (_, at) => (at === 0 ? shared : 0) + random() - 0.5);

describe('a model that gives every text the same vector', () => {
  it('is noticed after some two dozen texts without common words', () => {
    const check = new IdenticalVectorsCheck();
    const look = (): void => check.look(unlike(), vector(1000), 'broken');
    for (let text = 1; text < 24; text++) look();
    expect(look).toThrow(expect.objectContaining({ code: 'MODEL_COLLAPSED' }));
  });

  it('is not what a model is whose vectors are merely alike', () => {
    const check = new IdenticalVectorsCheck();
    for (let text = 0; text < 200; text++) check.look(unlike(), vector(10), 'narrow');
  });

  it('is not concluded from texts that are alike themselves', () => {
    const check = new IdenticalVectorsCheck();
    const same = vector(1);
    for (let text = 0; text < 200; text++)
      check.look(`invoice number ${text} paid today thanks`, same, 'templates');
    for (let text = 0; text < 200; text++) check.look(`${text}`, same, 'no words');
  });
});
