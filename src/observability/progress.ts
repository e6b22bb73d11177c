/** How far a verb is that takes its time. */

export interface Progress {
  /** Such as "planning". */
  what: string;
  done: number;
  /** Null where it is not known how much there is. */
  total: number | null;
}

export type OnProgress = (progress: Progress) => void;
