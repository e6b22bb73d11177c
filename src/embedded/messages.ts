/** What the server's process and the one that started it say to each other over IPC. */

export type FromServer =
  | { type: 'listening'; port: number }
  | { type: 'failed'; message: string; code: string; remedy: string | undefined };

/** detach: live on when the starter is gone. stop: end, as on SIGTERM. */
export type ToServer = { type: 'detach' } | { type: 'stop' };

/** Everything the server has to know, as its one argument in JSON. */
export interface ServerOptions {
  dataDir?: string;
  port: number;
}
