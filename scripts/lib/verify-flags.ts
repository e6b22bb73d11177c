import type { Flag } from '../../src/cli/command.ts';

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
};
