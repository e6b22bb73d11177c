/** Each way a queue server refuses has a name and a remedy, by the server's own words as Redis 8 and ioredis 5 say them. */

import { describe, expect, it } from 'vitest';
import { causeOf, queueFault, type QueueFaultKind } from '../../../src/queue/faults/queue-fault.ts';

const SCRIPT = ' script: 3a5b8c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b, on @user_script:224.';
const REDIS: [QueueFaultKind, string, RegExp][] = [
  ['full', `OOM command not allowed when used memory > 'maxmemory'.${SCRIPT}`, /full.*maxmemory/],
  [
    'unsaved',
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled",
    /disk.*RDB/,
  ],
  ['unsaved', 'MISCONF Errors writing to the AOF file: No space left on device', /append-only/],
  [
    'read-only',
    'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
    /replica.*Sentinels/,
  ],
  ['read-only', `READONLY You can't write against a read only replica.${SCRIPT}`, /replica.*Sentinels/],
  [
    'read-only',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    /lost its primary/,
  ],
  ['few-replicas', 'NOREPLICAS Not enough good replicas to write.', /min-replicas/],
  [
    'rights',
    'NOPERM No permissions to access a key',
    /lacks a right.*ACL SETUSER name .*~\{pgvector-backfill-\*/,
  ],
  ['login', 'NOAUTH Authentication required.', /password/],
  ['login', 'WRONGPASS invalid username-password pair or user is disabled.', /password/],
  ['cluster-node', 'MOVED 14621 127.0.0.1:56409', /MOVED 14621.*redis\+cluster/],
  ['cluster-down', 'CLUSTERDOWN Hash slot not served', /cluster.*not served/],
  [
    'cluster-down',
    'Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down',
    /cluster is down/,
  ],
  ['loading', 'LOADING Redis is loading the dataset in memory', /loading.*Wait/],
  [
    'busy',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    /SCRIPT KILL/,
  ],
  ['connections', 'ERR max number of clients reached', /maxclients/],
  ['database', 'ERR DB index is out of range', /number at the end/],
  ['silent', 'Command timed out', /does not answer/],
  ['unreachable', 'Failed to refresh slots cache.', /not reached/],
  [
    'no-cluster',
    "Failed to refresh slots cache: ERR unknown command 'cluster', with args beginning with: 'SLOTS'",
    /no Redis Cluster/,
  ],
  [
    'no-sentinel',
    "All sentinels are unreachable and retry is disabled. Last error: ERR unknown command 'sentinel', with args beginning with: 'get-master-addr-by-name'",
    /no Sentinel.*redis:\/\//,
  ],
  [
    'no-master',
    'All sentinels are unreachable and retry is disabled. Last error: ERR No such master with that name',
    /no master of that name.*SENTINEL MASTERS/,
  ],
  [
    'unreachable',
    'Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.',
    /not reached/,
  ],
  ['unreachable', 'connect ECONNREFUSED 127.0.0.1:6379', /ECONNREFUSED/],
  ['files', 'connect EMFILE 10.0.0.1:6379 - Local (undefined:undefined)', /ulimit -n/],
];

describe('what a queue server refuses', () => {
  it.each(REDIS)('%s: %s', (kind, message, words) => {
    const fault = queueFault('redis://localhost', new Error(message));
    expect(fault.kind).toBe(kind);
    const said = `${fault.why}. ${fault.remedy ?? ''}`;
    expect(said).toMatch(words);
    expect(said).not.toMatch(/script: |user_script/);
  });

  it("tells a cluster's fault by what its last node said", () => {
    const error = Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: new Error('ERR This instance has cluster support disabled'),
    });
    expect(queueFault('redis+cluster://localhost', error)).toMatchObject({ kind: 'no-cluster' });
  });

  it('is of PostgreSQL by its codes', () => {
    const refusal = (code: string, message: string): Error =>
      Object.assign(new Error(message), { code, severity: 'ERROR' });
    const url = 'postgres://localhost/db';
    expect(queueFault(url, refusal('53100', 'could not extend file')).kind).toBe('full');
    expect(queueFault(url, refusal('53300', 'sorry, too many clients already')).kind).toBe('connections');
    expect(
      queueFault(url, refusal('25006', 'cannot execute INSERT in a read-only transaction')),
    ).toMatchObject({
      kind: 'read-only',
      remedy: expect.stringContaining('primary') as string,
    });
    expect(queueFault(url, new Error('Connection terminated unexpectedly')).kind).toBe('unreachable');
  });

  it('has one cause for one matter, whatever ids and ports the words hold', () => {
    const cause = (message: string): string => causeOf(queueFault('redis://localhost', new Error(message)));
    expect(cause('MOVED 14621 127.0.0.1:1')).toBe(cause('MOVED 3 127.0.0.1:2'));
    expect(cause('Missing lock for job embed-00000000-12. finish')).toBe(
      cause('Missing lock for job embed-11111111-13. finish'),
    );
    expect(cause('something')).not.toBe(cause('something else'));
  });
});
