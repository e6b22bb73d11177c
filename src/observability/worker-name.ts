import { hostname } from 'node:os';

/** This process, for whoever reads its log or looks at who has what in hand: host/process. */
export const WORKER_NAME = `${hostname().slice(0, 100)}/${process.pid}`;
