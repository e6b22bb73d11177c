/**
 * How a connection is encrypted and whom it trusts, by libpq's modes: the driver takes `prefer`, `require` and `verify-ca` for
 * `verify-full`, and falls back to nothing. https://www.postgresql.org/docs/current/libpq-ssl.html
 */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { isIP } from 'node:net';
import { invalidParameter } from '../../config/libpq/invalid.ts';
import type { Host } from '../../config/libpq/parameters.ts';

/** False: not encrypted. */
export type Encryption = ConnectionOptions | false;

type Parameters = ReadonlyMap<string, string>;

const MODES = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof MODES)[number];
/** Nothing of the server is looked at. */
const WEAK: ReadonlySet<Mode> = new Set(['disable', 'allow', 'prefer', 'require', 'no-verify']);

/** In the order in which they are tried; the next one only where the server refuses the one before. @throws ConfigError */
export function encryptionsOf(parameters: Parameters, host: Host, env: NodeJS.ProcessEnv): Encryption[] {
  // A socket has no way to listen on.
  if (host.host.startsWith('/')) return [false];
  const mode = modeOf(parameters);
  if (mode === 'disable') return [false];
  const files = new Files(parameters, env);
  const own = {
    ...clientCertificate(parameters, files),
    ...versions(parameters),
    ...nameOf(parameters, host),
  };
  const blind = { ...own, rejectUnauthorized: false };
  const root = files.root();
  switch (mode) {
    case 'allow':
      return [false, blind];
    case 'prefer':
      return [blind, false];
    case 'no-verify':
      return [blind];
    case 'require':
      // With an authority it is verify-ca, as in libpq.
      return [root === undefined ? blind : { ...own, ...root, ...ANY_NAME }];
    case 'verify-ca':
      if (root === undefined)
        throw invalidParameter(
          'sslmode=verify-ca needs the certificate of an authority, and none is named: any certificate of a public one would pass.',
          'Add sslrootcert=/path/of/ca.pem, or take sslmode=verify-full, which holds the certificate to the host name as well.',
        );
      return [{ ...own, ...root, ...ANY_NAME }];
    default:
      return [{ ...own, ...root }];
  }
}

const ANY_NAME: ConnectionOptions = { checkServerIdentity: () => undefined };

function modeOf(parameters: Parameters): Mode {
  const given = parameters.get('sslmode');
  const mode = MODES.find((each) => each === given);
  if (given !== undefined && mode === undefined)
    throw invalidParameter(`sslmode ${JSON.stringify(given)} is none of ${MODES.join(', ')}.`);
  const system = parameters.get('sslrootcert') === 'system';
  if (system && mode !== undefined && WEAK.has(mode))
    throw invalidParameter(
      `sslmode=${mode} is too weak for sslrootcert=system: whoever has a certificate of a public authority would pass.`,
      'Take sslmode=verify-full.',
    );
  if (
    parameters.get('sslnegotiation') === 'direct' &&
    (mode === undefined || mode === 'disable' || mode === 'allow' || mode === 'prefer')
  )
    throw invalidParameter('sslnegotiation=direct needs sslmode=require, verify-ca or verify-full.');
  // As the driver has always had it: a URL that says nothing is not encrypted, one that names a certificate holds the server to it.
  return (
    mode ??
    (['sslrootcert', 'sslcert', 'sslkey'].some((name) => parameters.has(name)) ? 'verify-full' : 'disable')
  );
}

function nameOf(parameters: Parameters, { host, hostaddr }: Host): ConnectionOptions {
  if (parameters.has('sslcrldir'))
    throw invalidParameter('sslcrldir is not taken.', 'Name one file with all the lists by sslcrl.');
  if (hostaddr === null) return {};
  // Connected by address, and held to the name all the same.
  return { host, ...(isIP(host) === 0 && { servername: host }) };
}

function versions(parameters: Parameters): ConnectionOptions {
  const version = (name: string): ConnectionOptions['minVersion'] => {
    const given = parameters.get(name);
    if (given !== undefined && !/^TLSv1(\.[1-3])?$/.test(given))
      throw invalidParameter(`${name} ${JSON.stringify(given)} is none of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.`);
    return given as ConnectionOptions['minVersion'];
  };
  const [minVersion, maxVersion] = [version('ssl_min_protocol_version'), version('ssl_max_protocol_version')];
  return { ...(minVersion !== undefined && { minVersion }), ...(maxVersion !== undefined && { maxVersion }) };
}

/** Read with each connection: a certificate is renewed while a process runs. */
class Files {
  readonly #parameters: Parameters;
  readonly #folder: string;

  constructor(parameters: Parameters, env: NodeJS.ProcessEnv) {
    this.#parameters = parameters;
    this.#folder = join(env['HOME'] ?? homedir(), '.postgresql');
  }

  /** Undefined where none is named and none is in its usual place. */
  read(name: string, usual: string): Buffer | undefined {
    const named = this.#parameters.get(name);
    const path = named ?? join(this.#folder, usual);
    if (named === undefined && !existsSync(path)) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw invalidParameter(
        `The file ${path} cannot be read, which ${name} names.`,
        `Correct ${name}, or the rights of the file.`,
        error,
      );
    }
  }

  root(): ConnectionOptions | undefined {
    if (this.#parameters.get('sslrootcert') === 'system') return {};
    const ca = this.read('sslrootcert', 'root.crt');
    if (ca === undefined) return undefined;
    if (!ca.includes('-----BEGIN'))
      throw invalidParameter(
        'sslrootcert names a file that holds no certificate in PEM.',
        'Correct sslrootcert.',
      );
    const crl = this.read('sslcrl', 'root.crl');
    return { ca, ...(crl !== undefined && { crl }) };
  }
}

function clientCertificate(parameters: Parameters, files: Files): ConnectionOptions {
  if (parameters.get('sslcertmode') === 'disable') return {};
  const cert = files.read('sslcert', 'postgresql.crt');
  if (cert === undefined) return {};
  const key = files.read('sslkey', 'postgresql.key');
  const passphrase = parameters.get('sslpassword');
  return { cert, ...(key !== undefined && { key }), ...(passphrase !== undefined && { passphrase }) };
}
