/** Who may reach the dashboard at all: checked before anything is opened. */

import { readFileSync } from 'node:fs';
import { optionName } from '../../config/option-name.ts';
import { parseHost, parseOrigin } from '../../config/values/host-name.ts';
import type { Settings } from '../../config/settings.ts';
import { ConfigError, messageOf } from '../../errors.ts';

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/i;

export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

export const hasCredentials = ({ dashboard: { user, token } }: Settings): boolean =>
  user !== undefined || token !== undefined;

/** @throws ConfigError where others could reach the page without credentials, or what protects it is set by half. */
export function assertProtected(settings: Settings): void {
  const { host, user, password, tlsCertificate, tlsKey } = settings.dashboard;
  if ((user === undefined) !== (password === undefined)) {
    throw new ConfigError('The dashboard needs both a user and a password, or neither.', {
      code: 'DASHBOARD_CREDENTIALS',
      remedy: `Set ${optionName('dashboard.user')} and ${optionName('dashboard.password')}.`,
    });
  }
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    throw new ConfigError('The dashboard needs both a certificate and its key for TLS, or neither.', {
      code: 'DASHBOARD_TLS',
      remedy: `Set ${optionName('dashboard.tlsCertificate')} and ${optionName('dashboard.tlsKey')}.`,
    });
  }
  if (hasCredentials(settings)) return;
  const beyond = reachedBeyond(settings);
  if (beyond !== null)
    throw new ConfigError(`The dashboard is not served through a proxy (${beyond}) without credentials.`, {
      code: 'DASHBOARD_UNPROTECTED',
      remedy: `Set ${optionName('dashboard.user')} and ${optionName('dashboard.password')}, or ${optionName('dashboard.token')}, which a proxy with a login of its own adds as \`Authorization: Bearer\`.`,
    });
  if (isLoopback(host)) return;
  throw new ConfigError(`The dashboard does not listen on ${host} without credentials.`, {
    code: 'DASHBOARD_UNPROTECTED',
    remedy: `Set ${optionName('dashboard.user')} and ${optionName('dashboard.password')}, or ${optionName('dashboard.token')}, or keep ${optionName('dashboard.host')} at 127.0.0.1.`,
  });
}

/** The option that lets others than this machine in, though the address is loopback; null where none does. */
function reachedBeyond(settings: Settings): string | null {
  const { allowedHosts, allowedOrigins, trustedProxies } = settings.dashboard;
  const isFar = (name: string | undefined): boolean => name !== undefined && !isLoopback(name);
  if (allowedHosts.some((each) => isFar(parseHost(each)?.name))) return 'dashboard.allowedHosts';
  if (allowedOrigins.some((each) => isFar(parseOrigin(each)?.hostname))) return 'dashboard.allowedOrigins';
  return trustedProxies.length > 0 ? 'dashboard.trustedProxies' : null;
}

/** PEM of the certificate and its key; null where TLS is not wanted. @throws ConfigError where a file cannot be read. */
export function readTls({ dashboard: { tlsCertificate, tlsKey } }: Settings): {
  cert: Buffer;
  key: Buffer;
} | null {
  if (tlsCertificate === undefined || tlsKey === undefined) return null;
  return {
    cert: readPem('dashboard.tlsCertificate', tlsCertificate),
    key: readPem('dashboard.tlsKey', tlsKey),
  };
}

function readPem(option: 'dashboard.tlsCertificate' | 'dashboard.tlsKey', path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`The dashboard cannot read ${path}: ${messageOf(error)}.`, {
      code: 'DASHBOARD_TLS',
      remedy: `Set ${optionName(option)} to a readable PEM file.`,
      cause: error,
    });
  }
}
