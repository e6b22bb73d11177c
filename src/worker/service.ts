/** What a worker process is made of: each role, and the reconciler beside them. */
export interface Service {
  /** What only another start of the process would mend; null where there is nothing. */
  fault?: () => Promise<string | null>;
  /** Takes no new work and lets what is in progress end. */
  stop(): Promise<void>;
}

/** What only another start would mend, of the first that has such a fault; null where there is nothing. */
export async function firstFault(services: readonly Service[]): Promise<string | null> {
  const faults = await Promise.all(services.map(({ fault }) => fault?.() ?? Promise.resolve(null)));
  return faults.find((each) => each !== null) ?? null;
}
