/** Where the embedded server is found. Loopback only, and by a password: others may be logged in to this machine. */

export const HOST = '127.0.0.1';

/** PGlite serves one database. */
export const DATABASE = 'postgres';

/** The password goes to the server's process by this variable: arguments stand in the list of processes. */
export const PASSWORD_VARIABLE = 'PGVECTOR_BACKFILL_EMBEDDED_PASSWORD';
