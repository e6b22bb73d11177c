/** Checks that options of several sections have in common. */

import { z } from 'zod';
import { parseLimits } from '../option.ts';

export const wholeNumber = (min: number, max: number) => z.number().int().min(min).max(max);
export const url = (schemes: string[]) =>
  z
    .string()
    .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value), {
      message: `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    });
/** A string of which `problem` has nothing to say. */
export const checked = (problem: (value: string) => string | null) =>
  z.string().superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
export const listOf = (fits: (text: string) => boolean, message: string) =>
  z.array(z.string().refine(fits, { message }));

/** As a socket takes it: an address of IPv6 has brackets in URLs alone. */
export const listenHost = z
  .string()
  .min(1)
  .overwrite((host) => host.replace(/^\[(.*)\]$/, '$1'));

const limit = z.number().nonnegative().nullable().default(null);
/** `hold`, `hold:stop` or an object of both; `off` and null are never. */
export const limits = (sizes: boolean) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? parseLimits(value, sizes) : value),
    z
      .strictObject(
        { hold: limit, stop: limit },
        { message: `must be hold, hold:stop or off, such as ${sizes ? '1GB:20GB' : '5:60'}` },
      )
      .refine(({ hold, stop }) => hold === null || stop === null || stop >= hold, {
        message: 'stop must not be below hold',
      }),
  );
