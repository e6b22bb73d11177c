import type { Flag } from '../../src/cli/command.ts';

export const LONG_TEXT_ROWS = 2000;

export const VERIFY_FLAGS: Record<string, Flag> = {
  queries: {
    type: 'string',
    value: 'FILE',
    help: 'Queries, JSON lines with id (or _id) and text; first lines of sampled rows where absent',
  },
  judgements: {
    type: 'string',
    value: 'FILE',
    help: 'Which keys are relevant to them: TREC qrels (query 0 key grade) or BEIR (query key grade)',
  },
  judged: {
    type: 'boolean',
    help: 'Measure by the queries and judgements that were clicked on the search page of the dashboard',
  },
  report: {
    type: 'string',
    value: 'FILE',
    help: 'Write an HTML page with charts, readable without a network; it holds no text of rows or queries',
  },
  samples: {
    type: 'string',
    value: 'N',
    help: 'Put the answers of both searches to N of the queries into the report, with titles of rows',
  },
  by: {
    type: 'string',
    value: 'COLUMN',
    help: 'Measure searches within groups of rows with the same value there, such as tenants, by deciles of their sizes, too; advises, and decides nothing',
  },
  'compare-long-texts': {
    type: 'boolean',
    help: 'Rank the judged queries by what truncate, mean-of-chunks and chunks (model.longText) make of long texts, too; nothing of it is kept',
  },
  'long-text-rows': {
    type: 'string',
    value: 'N',
    help: `Rows that are embedded for that, in each of the three ways: all that are judged, and others drawn [${LONG_TEXT_ROWS}]`,
  },
};
