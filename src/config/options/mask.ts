/** What is masked in a text before it is embedded. */

import { z } from 'zod';
import { option, parseJson, parseNonEmptyList } from '../option.ts';

/** Kinds of values that masking knows. */
export const MASK_TYPES = ['email', 'phone', 'card', 'iban', 'ip', 'ssn', 'secret'] as const;

export const mask = {
  types: option({
    flag: 'mask',
    schema: z.array(z.enum(MASK_TYPES)),
    // To mask nothing has a word of its own.
    parse: (raw) => (raw === 'none' ? [] : parseNonEmptyList(raw)),
    fallback: [...MASK_TYPES],
    help: `Personal data and secrets that are masked before a text is embedded: ${MASK_TYPES.join(', ')}; on the command line a,b or none`,
  }),
  rules: option({
    schema: z.array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, {
          message: 'name must be 1 to 32 lower-case letters, digits or dashes, a letter first',
        }),
        pattern: z.string().min(1),
        ignoreCase: z.boolean().optional(),
      }),
    ),
    parse: parseJson,
    fallback: [],
    help: 'Further rules: [{ "name": "employee", "pattern": "EMP-\\d{6}" }], patterns in RE2 syntax; on the command line as JSON',
  }),
};
