/** What the server's process and the one that started it say to each other over IPC. */

export type FromServer =
  | { type: 'listening'; port: number }
  | { type: 'failed'; message: string; code: string; remedy: string | undefined };

/** detach: live on when the starter is gone. */
export type ToServer = { type: 'detach' };

/** Everything the server has to know, as its one argument in JSON. */
export interface ServerOptions {
  dataDir?: string;
  image?: string;
  port: number;
}
