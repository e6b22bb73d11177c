/** Why a PostgreSQL server takes no connection of ours, in words that tell what to do about it. */

import { optionName } from '../config/option-name.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { GIVE_PASSWORD } from './connecting/connect-plan.ts';
import { SQLSTATE, codeOf } from './sqlstates.ts';

export interface ConnectionFault {
  /** Ends the sentence that names the server, without its full stop. */
  why: string;
  /** What to do; null where only the address can be wrong. */
  remedy: string | null;
}

const TLS = 'https://www.postgresql.org/docs/current/libpq-ssl.html';
const CERTIFICATE =
  'Name its authority: sslrootcert=/path/of/ca.pem in the URL, or env NODE_EXTRA_CA_CERTS. sslmode=no-verify encrypts without looking at the certificate.';
const MORE_CONNECTIONS = `Raise the limit (ALTER ROLE … CONNECTION LIMIT, ALTER DATABASE … CONNECTION LIMIT, max_connections), or use fewer: lower ${optionName('worker.concurrency')}, or run fewer processes.`;

const FAULTS: Record<string, ConnectionFault> = {
  ECONNREFUSED: { why: 'nothing listens there', remedy: null },
  ENOTFOUND: { why: 'the host name is unknown', remedy: null },
  EAI_AGAIN: { why: 'the host name could not be looked up', remedy: null },
  EMFILE: {
    why: 'this process may open no further file or connection',
    remedy: 'Raise its limit (ulimit -n, LimitNOFILE of a systemd unit).',
  },
  [SQLSTATE.invalidPassword]: { why: 'the password is wrong', remedy: null },
  [SQLSTATE.databaseMissing]: { why: 'the database does not exist', remedy: null },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: 'its certificate is of another host name',
    remedy:
      'Name the host as the certificate does (hostaddr=… may give its address beside), or take sslmode=verify-ca, which looks at its authority alone.',
  },
  CERT_HAS_EXPIRED: { why: 'its certificate has expired', remedy: 'Renew the certificate of the server.' },
};

/** As OpenSSL names them: signed by nobody that this machine knows. */
const UNKNOWN_AUTHORITY = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
]);

/** PostgreSQL's own words before and since 14, and those of the large providers. */
const WANTS_TLS =
  /no encryption|SSL off|sslmode=require|connection is insecure|(SSL|TLS)[\w ]* (is )?required/i;

export function connectionFault(error: unknown): ConnectionFault {
  // What is wrong with the parameters says so itself.
  if (error instanceof ConfigError)
    return { why: error.message.replace(/\.$/, ''), remedy: error.remedy ?? null };
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = codeOf(error) ?? codeOf(inner) ?? '';
  const message = messageOf(error).replace(/\.$/, '');
  const { syscall, path = '', address = '' } = (inner ?? {}) as Record<string, string | undefined>;
  if (WANTS_TLS.test(message))
    return {
      why: 'it takes no connection without TLS from here',
      remedy: `Add sslmode=verify-full to the URL, and sslrootcert=/path/of/ca.pem where its certificate is of a private authority (${TLS}).`,
    };
  if (code === SQLSTATE.invalidAuthorization)
    return {
      why: `the user may not log in (${message})`,
      remedy: "Have an administrator look at the role (LOGIN) and at the server's pg_hba.conf.",
    };
  if (code === SQLSTATE.tooManyConnections)
    return { why: `it takes no further connection (${message})`, remedy: MORE_CONNECTIONS };
  if (UNKNOWN_AUTHORITY.has(code))
    return {
      why: `its certificate is signed by an authority that this machine does not know (${code})`,
      remedy: CERTIFICATE,
    };
  if (/server does not support SSL connections/i.test(message))
    return {
      why: 'it speaks no TLS, which sslmode asks for',
      remedy:
        'Take sslmode away (URL, PGSSLMODE, service), or set it to disable, where the way to the server is safe.',
    };
  if (/timeout expired/i.test(message)) return { why: 'it did not answer in time', remedy: null };
  if (/client password must be a (?:non-empty )?string/i.test(message))
    return {
      why: 'it asks for a password, and none was given',
      remedy: GIVE_PASSWORD,
    };
  if (code === 'ENOENT' && syscall === 'connect')
    return { why: `there is no socket ${address}`, remedy: null };
  if ((code === 'ENOENT' || code === 'EACCES') && syscall === 'open')
    return {
      why: `the file ${path} cannot be read, which the URL names`,
      remedy: 'Correct sslrootcert, sslcert or sslkey in the URL.',
    };
  if (/unsupported startup parameter/i.test(message))
    return {
      why: `a pooler refuses a parameter (${message})`,
      remedy:
        'Take options out of the URL and set it for the role (ALTER ROLE … SET …), or let the pooler pass it: ignore_startup_parameters of PgBouncer.',
    };
  return FAULTS[code] ?? { why: message, remedy: null };
}
