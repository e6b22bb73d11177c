/** One check of the gate. */
export interface Check {
  /** Stable name, such as `recall@10`. */
  name: string;
  passed: boolean;
  /** What was measured; null where there was nothing to measure. */
  value: number | string | null;
  /** What it is held against; null where the check only reports. */
  threshold: number | string | null;
  detail: string;
  /** What to do; on a check that passed, advice. Null where there is nothing to do. */
  remedy: string | null;
}
