/** The page that people look at: where it listens, who may see it, and what stands in front of it. */

import { z } from 'zod';
import { isOwnPath, parseBasePath } from '../values/base-path.ts';
import { parseHost, parseOrigin } from '../values/host-name.ts';
import { isNetwork } from '../values/network.ts';
import { option, parseNonEmptyList, parseNumber } from '../option.ts';
import { checked, listenHost, listOf, wholeNumber } from './schemas.ts';

const basePathProblem = (text: string): string | null => {
  const path = parseBasePath(text);
  if (path === null || text === '') return 'must be a path such as /backfill';
  return isOwnPath(path)
    ? "must not be a path of the dashboard's own: nobody could tell the two apart"
    : null;
};

export const dashboard = {
  host: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_HOST',
    flag: 'host',
    schema: listenHost,
    fallback: '127.0.0.1',
    help: 'Address that the dashboard listens on; any but loopback needs dashboard.user and dashboard.password, or dashboard.token',
  }),
  port: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_PORT',
    flag: 'port',
    schema: wholeNumber(0, 65_535),
    parse: parseNumber,
    fallback: 3000,
    help: 'Port of the dashboard; 0 takes a free one',
  }),
  user: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_USER',
    schema: z.string().min(1).optional(),
    help: 'User name for the dashboard (basic authentication)',
  }),
  password: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_PASSWORD',
    schema: z.string().min(8).optional(),
    secret: true,
    help: 'Password for the dashboard, at least 8 characters; set it by its env variable: a flag is visible in the process list',
  }),
  token: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TOKEN',
    schema: z
      .string()
      .regex(/^\S{16,}$/, { message: 'must be at least 16 characters without a space' })
      .optional(),
    secret: true,
    help: 'Bearer token for the dashboard, instead of user and password or in addition to them; at least 16 characters',
  }),
  tlsCertificate: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TLS_CERTIFICATE',
    schema: z.string().min(1).optional(),
    help: 'PEM file with the TLS certificate of the dashboard, for HTTPS; needs dashboard.tlsKey',
  }),
  tlsKey: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TLS_KEY',
    schema: z.string().min(1).optional(),
    help: 'PEM file with the private key of dashboard.tlsCertificate',
  }),
  allowedHosts: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_ALLOWED_HOSTS',
    schema: listOf(
      (text) => parseHost(text) !== null,
      'must be host names such as search.example.org or search.example.org:8443, each without scheme, path or *',
    ),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Further host names that a dashboard on loopback answers to: those in the Host header of your proxy; on the command line a,b',
  }),
  allowedOrigins: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_ALLOWED_ORIGINS',
    schema: listOf(
      (text) => parseOrigin(text) !== null,
      'must be origins such as https://search.example.org, each without a path',
    ),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Origins by which browsers reach the dashboard, if a proxy does not forward the original Host header; on the command line a,b',
  }),
  trustedProxies: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_TRUSTED_PROXIES',
    schema: listOf(isNetwork, 'must be addresses or networks such as 127.0.0.1 or 10.0.0.0/8'),
    parse: parseNonEmptyList,
    fallback: [],
    help: 'Addresses or networks of proxies whose X-Forwarded-For, -Host, -Proto and -Prefix headers are trusted; on the command line a,b',
  }),
  basePath: option({
    scope: 'global',
    verb: 'dashboard',
    env: 'DASHBOARD_BASE_PATH',
    schema: checked(basePathProblem).optional(),
    help: 'Path under which a proxy serves the dashboard, such as /backfill, whether or not the proxy strips it; if not set, X-Forwarded-Prefix of a trusted proxy',
  }),
};
