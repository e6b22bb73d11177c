/** Files of a model that have just been fetched may say another use of it than was settled without them. */

import { ConfigError } from '../../errors.ts';

const CODE = 'MODEL_USAGE';

/** @param said what they say, and what was taken in its place, in words */
export const usageNews = (model: string, said: readonly string[]): ConfigError =>
  new ConfigError(
    `The files of model ${model} have just been fetched, and say of its use: ${said.join('; ')}.`,
    {
      code: CODE,
      remedy: 'Run it again: now it goes by them, except for what the configuration says otherwise.',
    },
  );

/** Another try settles it: nothing has been done with the model. */
export const isUsageNews = (error: unknown): error is ConfigError =>
  error instanceof ConfigError && error.code === CODE;
