/** A clock that is off, in words: for verbs and page, which load no queue. */

import { duration } from '../../observability/format.ts';

/** What a machine's clock may be off before somebody is told. Nothing goes by that clock, so this is not urgent. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** @param aheadSeconds negative where it is behind */
export const clockSkew = (aheadSeconds: number): string =>
  `is ${duration(Math.abs(aheadSeconds))} ${aheadSeconds > 0 ? 'ahead of' : 'behind'} the queue server's, which jobs go by: set the machine's clock right (NTP)`;
