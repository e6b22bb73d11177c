/** What `doctor` finds: each with a level and, where something is wrong, a remedy. */

export interface Finding {
  /** `error` blocks, `warn` does not. */
  level: 'ok' | 'warn' | 'error';
  /** Stable name of the check, such as `pgvector` or `key`. */
  check: string;
  message: string;
  remedy?: string;
  /** Path of the option to change, where the fault is one of configuration. */
  option?: string;
  /** What the message says, as numbers. */
  measurements?: Record<string, number>;
}
