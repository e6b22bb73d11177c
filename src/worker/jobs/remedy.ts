import { BackfillError } from '../../errors.ts';

/** What to do about it, to stand behind the message; empty where nothing is known. */
export const remedyOf = (error: unknown): string =>
  error instanceof BackfillError && error.remedy !== undefined ? ` ${error.remedy}` : '';
