/** libpq's own environment variables. https://www.postgresql.org/docs/current/libpq-envars.html */

import { serviceParameters } from './service-file.ts';

/** What is gone by, or refused; the names are those of parameters in a URL. */
const VARIABLES = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  passfile: 'PGPASSFILE',
  require_auth: 'PGREQUIREAUTH',
  channel_binding: 'PGCHANNELBINDING',
  service: 'PGSERVICE',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcertmode: 'PGSSLCERTMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcrl: 'PGSSLCRL',
  sslcrldir: 'PGSSLCRLDIR',
  sslsni: 'PGSSLSNI',
  requirepeer: 'PGREQUIREPEER',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  gssencmode: 'PGGSSENCMODE',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  load_balance_hosts: 'PGLOADBALANCEHOSTS',
} as const;

/** An empty variable is one that is not set. */
export const environmentParameters = (env: NodeJS.ProcessEnv): [name: string, value: string][] =>
  Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const value = env[variable] ?? '';
    return value === '' ? [] : [[name, value] as [string, string]];
  });

/** The variables that say which database is meant; by those alone there is one. */
const NAMING = ['PGSERVICE', 'PGHOST', 'PGHOSTADDR', 'PGDATABASE'];
/** A URL; null where none of the variables that name a database is set. @throws ConfigError where the service is not to be found */
export function databaseFromEnvironment(env: NodeJS.ProcessEnv): string | null {
  if (NAMING.every((name) => (env[name] ?? '') === '')) return null;
  const { PGSERVICE: service = '' } = env;
  // What the service says goes before the other variables, as in libpq.
  const ofService = service === '' ? [] : serviceParameters(service, undefined, env);
  // A password of the environment's is looked up with each connection: it stands in no URL that it need not be in.
  const ofOthers = environmentParameters(env).filter(([name]) => name !== 'password' && name !== 'service');
  const { dbname = '', ...others } = Object.fromEntries([...ofOthers, ...ofService]);
  const query = Object.entries(others).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `postgres:///${encodeURIComponent(dbname)}?${query.join('&')}`;
}
