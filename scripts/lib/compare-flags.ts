import type { Command, Flag } from '../../src/cli/command.ts';
import { VERIFY_FLAGS } from './verify-flags.ts';

export const COMPARED_ROWS = 4000;

const { queries, judgements, judged, report } = VERIFY_FLAGS as Record<
  'queries' | 'judgements' | 'judged' | 'report',
  Flag
>;

export const COMPARE_FLAGS: Command['flags'] = {
  models: {
    type: 'string',
    value: 'A,B,…',
    multiple: true,
    help: 'Models: a name in model.localPath, a folder, trained (on the texts of the table, on the spot), or endpoint (model.endpoint; endpoint:NAME for another model of it). Behind a local one its precision, such as :int8, :q4 or :full (model.dtype where absent), and behind that how many dimensions, such as :256',
  },
  queries: {
    ...queries,
    help: 'Queries, JSON lines with id (or _id) and text, with --judgements; known items made of titles where absent',
  },
  judgements,
  judged: {
    ...judged,
    help: 'Go by the queries and judgements that were clicked on the search page of the dashboard',
  },
  titles: {
    type: 'string',
    value: 'COLUMN',
    help: 'Column by which known items are looked for, in texts without it; the first column of the text where absent',
  },
  rows: {
    type: 'string',
    value: 'N',
    help: `Rows that are embedded by each model: all that are judged, and others drawn [${COMPARED_ROWS}]`,
  },
  'long-texts': {
    type: 'boolean',
    help: 'Try mean-of-chunks and chunks (model.longText) also where nearly all texts fit',
  },
  report,
};
