/** The schema of a column's name; apart, as who quotes names has no use for the library. */

import { z } from 'zod';
import { nameFault } from './name.ts';

/** Of a column, as it stands in the catalog: no quotes around it, no folding. */
export const columnName = z.string().superRefine((name, context) => {
  const fault = nameFault(name);
  if (fault !== null) context.addIssue({ code: 'custom', message: `the name ${fault}` });
});
