import { optionName } from '../../config/option-name.ts';
import { ConfigError } from '../../errors.ts';
import type { PassageTokens } from './cut-passages.ts';

/** Tokens of a passage for its own text, at least. */
const MIN_ROOM = 8;

/** @throws ConfigError where prefix and frame leave a passage no room: it would have a few characters */
export function assertRoom({ max, ofPassage }: PassageTokens): void {
  const taken = Math.ceil(ofPassage(''));
  if (max - taken >= MIN_ROOM) return;
  throw new ConfigError(
    `model.documentPrefix and the tokens around it are ${taken}, and a passage (model.chunkTokens) has ${max}`,
    {
      code: 'PASSAGE_ROOM',
      remedy: `Raise ${optionName('model.chunkTokens')}, or shorten ${optionName('model.documentPrefix')}.`,
    },
  );
}
