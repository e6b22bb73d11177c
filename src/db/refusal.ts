/** What PostgreSQL says of a failure, without values of rows: it goes to the ledger, to jobs and to logs. */

export { messageOf as describeFailure } from '../errors.ts';
