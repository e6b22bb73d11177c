/** What `complete` consists of: steps that are planned first, shown, and done only when told to. */

export interface CompletionStep {
  /** Name of its flag. */
  name: string;
  /** What it would do, one line each; empty where there is nothing to do. */
  actions: string[];
  /** What the operator should know before. */
  notes: string[];
  /** Safe to run again after it was cut off. */
  run(): Promise<void>;
}
