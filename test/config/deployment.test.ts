/** The files that deploy the program name options, verbs and ports that exist. */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { OPTIONS } from '../../src/config/options.ts';
import { loadConfig } from '../../src/config/load.ts';
import { VERBS } from '../../scripts/lib/verbs.ts';

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const variables = new Set(Object.values(OPTIONS).map(({ env }) => env));
/** What others than the options read. */
const OF_OTHERS = ['PGPASSWORD'];

interface Container {
  name: string;
  args: string[];
  env?: { name: string; value: string }[];
  ports?: { name: string; containerPort: number }[];
  securityContext: { readOnlyRootFilesystem: boolean; allowPrivilegeEscalation: boolean };
  [probe: `${string}Probe`]: { httpGet: { path: string; port: string } } | undefined;
}
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: {
    replicas?: number;
    template?: {
      metadata?: { labels?: Record<string, string> };
      spec: {
        containers: Container[];
        automountServiceAccountToken: boolean;
        securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
        terminationGracePeriodSeconds?: number;
      };
    };
  };
}

interface NetworkPolicy {
  kind: string;
  spec: { policyTypes: string[]; podSelector: { matchExpressions: { values: string[] }[] } };
}

describe('docs/kubernetes.yaml', () => {
  it('is whole: every document parses, and its settings are options', async () => {
    const documents = parseAllDocuments(await read('docs/kubernetes.yaml'));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const manifests = documents.map((each) => each.toJS() as Manifest);
    const { data = {} } = manifests.find(({ kind }) => kind === 'ConfigMap') ?? {};
    expect(Object.keys(data).filter((name) => !variables.has(name))).toEqual([]);
    const env = { ...data, DATABASE_URL: 'postgres://u@h/d', DASHBOARD_TOKEN: 'a-long-token-of-the-secret' };
    const { settings } = await loadConfig({ flags: {}, env, cwd: '/' });
    expect(settings.metricsPort).toBe(9464);

    const pods = manifests.flatMap(({ kind, spec }) =>
      spec?.template === undefined
        ? []
        : [
            {
              kind,
              replicas: spec.replicas,
              pod: spec.template.spec,
              labels: spec.template.metadata?.labels,
            },
          ],
    );
    expect(pods.map(({ kind }) => kind)).toEqual(['Job', 'Deployment', 'Deployment']);
    for (const { pod } of pods) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.automountServiceAccountToken).toBe(false);
      for (const container of pod.containers) {
        expect(Object.keys(VERBS)).toContain(container.args[0]);
        expect(container.securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
        });
        for (const { name } of container.env ?? []) expect(variables).toContain(name);
        const probes = Object.entries(container).filter(([key]) => key.endsWith('Probe'));
        for (const [, probe] of probes as [string, { httpGet: { path: string; port: string } }][]) {
          expect(['/healthz', '/readyz']).toContain(probe.httpGet.path);
          expect(container.ports?.map(({ name }) => name)).toContain(probe.httpGet.port);
        }
      }
    }
    // Every pod is of the policy, which lets in and out by what it names alone.
    const policy = documents
      .map((each) => each.toJS() as NetworkPolicy)
      .find(({ kind }) => kind === 'NetworkPolicy');
    expect(policy?.spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(policy?.spec.podSelector.matchExpressions[0]?.values.toSorted()).toEqual(
      pods.map(({ labels }) => labels?.['app'] ?? '').toSorted(),
    );
    const worker = pods.find(({ pod }) => pod.containers[0]?.name === 'worker');
    expect(worker?.replicas).toBe(2);
    expect(worker?.pod.containers[0]?.ports?.[0]?.containerPort).toBe(settings.metricsPort);
    expect(worker?.pod.terminationGracePeriodSeconds ?? 0).toBeGreaterThan(settings.drainSeconds);
  });
});

describe('docker-compose.yml', () => {
  it('runs two workers and the dashboard by verbs and options that exist', async () => {
    const { services } = parse(await read('docker-compose.yml'), { merge: true }) as {
      services: Record<
        string,
        {
          command: string[];
          environment?: Record<string, string | null>;
          deploy?: { replicas: number };
          healthcheck?: object;
        }
      >;
    };
    expect(Object.keys(services)).toEqual(['db', 'redis', 'worker', 'dashboard']);
    for (const [name, service] of Object.entries(services)) expect(service.healthcheck, name).toBeDefined();
    expect(services['worker']?.deploy?.replicas).toBe(2);
    // The superuser's password is the server's alone, and Redis asks for one.
    const raw = await read('docker-compose.yml');
    expect(raw.match(/\$\{POSTGRES_PASSWORD/g)).toHaveLength(1);
    expect(Object.keys(services['db']?.environment ?? {})).toContain('POSTGRES_PASSWORD');
    expect(services['redis']?.command.join(' ')).toContain('requirepass');
    for (const name of ['worker', 'dashboard']) {
      expect(services[name]?.environment?.['DATABASE_URL']).toContain('postgres://app@');
      expect(services[name]?.environment?.['QUEUE_URL']).toContain('REDIS_PASSWORD');
      const { command = [], environment = {} } = services[name] ?? {};
      expect(Object.keys(VERBS)).toContain(command[0]);
      const unknown = Object.keys(environment).filter(
        (each) => !variables.has(each) && !OF_OTHERS.includes(each),
      );
      expect(unknown, name).toEqual([]);
    }
  });
});
