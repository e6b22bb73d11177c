/** What a queue server refuses, or why it is not reached, in words that tell what to do about it. All such words are here. */

import { optionName } from '../../config/option-name.ts';
import { connectionFault } from '../../db/connection-fault.ts';
import { SQLSTATE, codeOf } from '../../db/sqlstates.ts';
import { BackfillError, messageOf } from '../../errors.ts';
import { isPostgres } from '../address.ts';

/** What is the matter, for programs: one name a cause, whatever key, script or address the server's own words hold. */
export type QueueFaultKind =
  | 'full'
  | 'unsaved'
  | 'read-only'
  | 'few-replicas'
  | 'rights'
  | 'login'
  | 'database'
  | 'cluster-node'
  | 'no-cluster'
  | 'no-sentinel'
  | 'no-master'
  | 'cluster-down'
  | 'loading'
  | 'busy'
  | 'connections'
  | 'files'
  | 'silent'
  | 'unreachable'
  | 'other';

export interface QueueFault {
  kind: QueueFaultKind;
  /** Ends the sentence that names the server, without its full stop. */
  why: string;
  /** What to do; null where only the address can be wrong, or the server is not there yet. */
  remedy: string | null;
}

/** What BullMQ's commands and scripts take, as tried with Redis 8. */
const ACL =
  'ACL SETUSER name on >password ~{pgvector-backfill-* +@read +@write +@blocking +@scripting +@connection +info';

/** As Redis says that a number is beyond its databases, or that it has only one. */
export const NO_DATABASE = /DB index|SELECT is not allowed|unknown command ['`]?select/i;

/** A server that a write fails on, and would not fail on another one: the primary has moved. */
export const NOT_PRIMARY = /\bREADONLY\b|\bMASTERDOWN\b|\bUNBLOCKED\b.*master -> replica/;

interface Words {
  kind: QueueFaultKind;
  when: RegExp;
  why: (message: string) => string;
  remedy: string | null;
}

/** By the first that fits: a cluster's own errors hold those of its nodes. Scripts put words of their own around an error. */
const OF_REDIS: readonly Words[] = [
  {
    kind: 'database',
    when: NO_DATABASE,
    why: (message) => `it has no database of that number (${message})`,
    remedy: `Correct the number at the end of ${optionName('queue')}; many managed servers have database 0 alone.`,
  },
  {
    kind: 'full',
    when: /\bOOM command not allowed/,
    why: () => 'it is full, and takes no writes (OOM: used memory is above maxmemory)',
    remedy:
      'Give it more memory (CONFIG SET maxmemory), or remove what else is in it; work goes on by itself then.',
  },
  {
    kind: 'unsaved',
    when: /\bMISCONF\b/,
    why: (message) =>
      `it cannot save its data to disk, and takes no writes meanwhile (MISCONF${/AOF/.test(message) ? ', append-only file' : ', RDB snapshot'})`,
    remedy:
      "Look into the server's log: most often its disk is full, or its folder is gone or may not be written to.",
  },
  {
    kind: 'read-only',
    when: NOT_PRIMARY,
    why: (message) =>
      /\bMASTERDOWN\b/.test(message)
        ? 'it is a replica that has lost its primary (MASTERDOWN)'
        : 'it is a replica, which takes no writes (READONLY)',
    remedy: `Name its primary, or its Sentinels (redis+sentinel://), in ${optionName('queue')}.`,
  },
  {
    kind: 'few-replicas',
    when: /\bNOREPLICAS\b/,
    why: () => 'it takes no writes while too few replicas follow it (NOREPLICAS)',
    remedy: 'Bring the replicas back, or lower min-replicas-to-write.',
  },
  {
    kind: 'rights',
    when: /\bNOPERM\b/,
    why: (message) => `its user lacks a right that BullMQ needs (${message})`,
    remedy: `Give the rights: ${ACL}`,
  },
  {
    kind: 'login',
    when: /\bNOAUTH\b|\bWRONGPASS\b|invalid (?:username-password|password)|without any password|\bDENIED\b/i,
    why: (message) => `it does not let this user in (${message})`,
    remedy: `Correct user and password in ${optionName('queue')}.`,
  },
  {
    kind: 'no-cluster',
    when: /cluster support disabled|unknown command ['`]?cluster/i,
    why: () => 'it is no Redis Cluster',
    remedy: `Write redis:// in place of redis+cluster:// in ${optionName('queue')}.`,
  },
  {
    kind: 'no-sentinel',
    when: /unknown command ['`]?sentinel/i,
    why: () => 'it is no Sentinel',
    remedy: `Name the Sentinels (port 26379 as a rule), or write redis:// in place of redis+sentinel:// in ${optionName('queue')}.`,
  },
  {
    kind: 'no-master',
    when: /No such master with that name/i,
    why: () => 'its Sentinels know no master of that name',
    remedy: `Write the name that SENTINEL MASTERS shows behind the hosts, redis+sentinel://host:port,host:port/name, in ${optionName('queue')}.`,
  },
  {
    kind: 'cluster-down',
    when: /\bCLUSTERDOWN\b/,
    why: (message) =>
      `its cluster does not serve all keys at the moment (${/CLUSTERDOWN[^.]*/.exec(message)?.[0] ?? ''})`,
    remedy: 'Look at the cluster (redis-cli --cluster check): a node is away, and no replica has taken over.',
  },
  {
    kind: 'cluster-node',
    when: /\b(?:MOVED|ASK) \d+ |\bCROSSSLOT\b/,
    why: (message) =>
      `it is a node of a Redis Cluster, and the jobs' keys are on another one (${/(?:MOVED|ASK) \d+ \S+|CROSSSLOT/.exec(message)?.[0] ?? ''})`,
    remedy: `Write redis+cluster://host:port,host:port in ${optionName('queue')}.`,
  },
  {
    kind: 'loading',
    when: /\bLOADING\b/,
    why: () => 'it is loading its data into memory',
    remedy: 'Wait: it takes commands once that is done.',
  },
  {
    kind: 'busy',
    when: /\bBUSY\b|\bTRYAGAIN\b/,
    why: () => 'it is busy running a script (BUSY)',
    remedy: 'Wait, or end the script (SCRIPT KILL).',
  },
  {
    kind: 'connections',
    when: /max number of clients/i,
    why: () => 'it takes no further connection (max number of clients reached)',
    remedy: 'Raise maxclients, or use fewer connections: fewer processes.',
  },
  {
    kind: 'silent',
    when: /Command timed out|Socket timeout|ETIMEDOUT|Blocking command timed out|no answer in/i,
    why: (message) => `it does not answer (${message})`,
    remedy: null,
  },
  {
    kind: 'unreachable',
    when: /None of startup nodes|refresh slots cache|sentinels are unreachable|max retries per request|Connection is closed|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|Stream isn't writeable|Cluster is (?:ended|disconnect)/i,
    why: (message) => `it is not reached (${message})`,
    remedy: null,
  },
];

/** Of this machine, whatever the server. */
const FILES = /\b(?:EMFILE|ENFILE)\b/;
const NETWORK = /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENOENT)\b/;
/** SQLSTATEs that stand for a cause of their own; what is not here is known by its words alone. */
const OF_POSTGRES: Readonly<Record<string, QueueFaultKind>> = {
  [SQLSTATE.diskFull]: 'full',
  [SQLSTATE.readOnly]: 'read-only',
  [SQLSTATE.privilege]: 'rights',
  [SQLSTATE.invalidPassword]: 'login',
  [SQLSTATE.invalidAuthorization]: 'login',
  [SQLSTATE.databaseMissing]: 'database',
  [SQLSTATE.cannotConnectNow]: 'loading',
  [SQLSTATE.tooManyConnections]: 'connections',
  [SQLSTATE.adminShutdown]: 'unreachable',
  [SQLSTATE.crashShutdown]: 'unreachable',
};

export function queueFault(url: string, error: unknown): QueueFault {
  // Told already: by what it was made of.
  if (error instanceof BackfillError && error.cause !== undefined) return queueFault(url, error.cause);
  const message = wordsOf(error);
  if (FILES.test(message))
    return {
      kind: 'files',
      why: `this process may open no further file or connection (${message})`,
      remedy: 'Raise its limit (ulimit -n, LimitNOFILE of a systemd unit).',
    };
  if (isPostgres(url)) return postgresFault(error, message);
  const words = OF_REDIS.find(({ when }) => when.test(message));
  if (words !== undefined) return { kind: words.kind, why: words.why(message), remedy: words.remedy };
  const { why, remedy } = connectionFault(error);
  return { kind: kindOfNetwork(error, message), why, remedy };
}

function postgresFault(error: unknown, message: string): QueueFault {
  const code = codeOf(error) ?? '';
  const { why, remedy } = connectionFault(error);
  const kind = OF_POSTGRES[code] ?? kindOfNetwork(error, message);
  if (code === SQLSTATE.diskFull)
    return { kind, why: `its disk is full (${message})`, remedy: 'Free room on the disk of that server.' };
  if (code === SQLSTATE.readOnly)
    return {
      kind,
      why: 'it is a standby, which takes no writes',
      remedy: `Name its primary in ${optionName('queue')}.`,
    };
  return { kind, why, remedy };
}

function kindOfNetwork(error: unknown, message: string): QueueFaultKind {
  const code = codeOf(error) ?? '';
  if (NETWORK.test(code) || NETWORK.test(message)) return 'unreachable';
  if (code === 'ETIMEDOUT' || /timeout/i.test(message)) return 'silent';
  return /ECONN|EPIPE|EHOST|ENET|Connection terminated/.test(`${code} ${message}`) ? 'unreachable' : 'other';
}

/** What a cluster's client says of itself tells nothing: what its last node said does. Redis adds the script's digest. */
function wordsOf(error: unknown): string {
  const { lastNodeError } = (error ?? {}) as { lastNodeError?: unknown };
  const own = messageOf(error)
    .replace(/,? script: [0-9a-f]{40}.*$/s, '')
    .replace(/\.$/, '');
  return lastNodeError instanceof Error ? `${own}: ${wordsOf(lastNodeError)}` : own;
}

/** One key for one cause, however the words differ from time to time in ids, ports and counts. */
export function causeOf({ kind, why }: QueueFault): string {
  return kind === 'other' ? why.replace(/[0-9a-f]{8,}|\d+/gi, '#') : kind;
}

/** What is the matter and what to do, as a reason is kept: without its last full stop. */
export const reasonOf = ({ why, remedy }: QueueFault): string =>
  `the queue server does not do its work: ${why}${remedy === null ? '' : `. ${remedy.replace(/\.$/, '')}`}`;
