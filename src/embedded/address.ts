/** Where the embedded server is found. Loopback only: it knows no password. */

export const HOST = '127.0.0.1';

/** PGlite serves one database. */
export const DATABASE = 'postgres';
