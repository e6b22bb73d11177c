import { hostname } from 'node:os';

/** This process, for whoever reads its log or looks at which worker has which batch: host/process. */
export const WORKER_NAME = `${hostname().slice(0, 100)}/${process.pid}`;
