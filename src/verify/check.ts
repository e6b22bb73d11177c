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

/** Figures of which four places after the point would show nothing but zeros. */
const SMALL = 0.001;

/** For a person's eye: a tolerance of 1e-5 must not look like none. */
export function showValue(value: Check['value']): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value ?? '-');
  return Math.abs(value) < SMALL ? value.toExponential(1) : value.toFixed(4);
}
