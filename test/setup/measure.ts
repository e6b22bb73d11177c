/** What a file's tests wait for: added up by kind, and handed to the report behind the file's last test. */

export const KINDS = [
  'process',
  'embedded server',
  'container',
  'database',
  'condition',
  'embedder',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Waited {
  /** How often. */
  count: number;
  /** Of the test's own time; what goes on beside each other counts for each. */
  ms: number;
}
export type Waits = Partial<Record<Kind, Waited>>;

let waits: Waits = {};

function add(kind: Kind, ms: number): void {
  const sum = (waits[kind] ??= { count: 0, ms: 0 });
  sum.count++;
  sum.ms += ms;
}

export async function measured<T>(kind: Kind, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    add(kind, performance.now() - started);
  }
}

/** Since the last time it was asked. */
export function takeWaits(): Waits {
  const taken = waits;
  waits = {};
  return taken;
}

let databases: Record<string, number> = {};

/** A test has a database there. */
export function countDatabase(backend: string): void {
  databases[backend] = (databases[backend] ?? 0) + 1;
}

export function takeDatabases(): Record<string, number> {
  const taken = databases;
  databases = {};
  return taken;
}
