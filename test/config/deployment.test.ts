/** The files that deploy the program name options, verbs and ports that exist. */

import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  [probe: `${string}Probe`]:
    | { httpGet?: { path: string; port: string }; exec?: { command: string[] } }
    | undefined;
}
interface Template {
  metadata?: { labels?: Record<string, string> };
  spec: {
    containers: Container[];
    automountServiceAccountToken: boolean;
    enableServiceLinks: boolean;
    securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
    terminationGracePeriodSeconds?: number;
  };
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: {
    replicas?: number;
    suspend?: boolean;
    template?: Template;
    jobTemplate?: { spec: { template: Template } };
  };
}

interface NetworkPolicy {
  kind: string;
  spec: { policyTypes: string[]; podSelector: { matchExpressions: { values: string[] }[] } };
}

/** Whether a worker is well, as image, Compose and Kubernetes ask it. */
async function checkOfImage(): Promise<string[]> {
  const [, found = '[]'] = /HEALTHCHECK[^[]*(\[.*\])/.exec(await read('Dockerfile')) ?? [];
  return JSON.parse(found) as string[];
}

/** Of the types that are made from the schema of Kubernetes: where those of an API version are. */
const typesOf = (apiVersion: string): string =>
  `kubernetes-types/${apiVersion.includes('/') ? apiVersion.replace('.k8s.io', '') : `core/${apiVersion}`}`;

/**
 * Against the schema of Kubernetes itself, as the compiler sees it: fields that are unknown or missing, and values of
 * another type. @returns what it found in each of the lists, line by line
 */
async function schemaFaults(lists: Record<string, Manifest[]>): Promise<string> {
  const folder = fileURLToPath(new URL('../../.cache/manifests/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const files = Object.entries(lists).map(([name, manifests]) => {
    const lines = manifests.map(
      (each, at) =>
        `export const _${at}: import('${typesOf(each.apiVersion)}').${each.kind} = ${JSON.stringify(each)};`,
    );
    return { path: join(folder, `${name}.ts`), text: lines.join('\n') };
  });
  for (const { path, text } of files) await writeFile(path, text);
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const flags =
    '--noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler --lib es2023 --ignoreConfig --pretty false';
  const paths = files.map(({ path }) => path);
  const { stdout } = spawnSync(process.execPath, [compiler, ...flags.split(' '), ...paths], {
    cwd: folder,
    encoding: 'utf8',
  });
  return stdout;
}

describe('docs/kubernetes.yaml', () => {
  it('is as the schema of Kubernetes has it: no unknown field, none of another type', async () => {
    const manifests = parseAllDocuments(await read('docs/kubernetes.yaml')).map(
      (each) => each.toJS() as Manifest,
    );
    const worker = manifests.find(({ metadata }) => metadata.name === 'pgvector-backfill-worker');
    const pod = worker?.spec?.template?.spec;
    const misspelt = {
      ...worker,
      spec: { ...worker?.spec, template: { spec: { ...pod, enableServiceLink: false } } },
    };
    const mistyped = { ...worker, spec: { ...worker?.spec, replicas: '2' } };
    const found = await schemaFaults({
      example: manifests,
      wrong: [misspelt, mistyped] as unknown as Manifest[],
    });
    const [first, second, ...rest] = found
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('wrong.ts'));
    expect(first).toMatch(/enableServiceLink.* does not exist in type 'PodSpec'/);
    expect(second).toContain("Type 'string' is not assignable to type 'number'");
    expect(rest).toEqual([]);
    expect(found).not.toContain('example.ts');
  });

  it('is enqueued by what kubectl takes: a Job is copied from a CronJob, and from nothing else', async () => {
    const text = await read('docs/kubernetes.yaml');
    const manifests = parseAllDocuments(text).map((each) => each.toJS() as Manifest);
    const copied = [...text.matchAll(/create job --from=(\S+)\/(\S+)/g)].map(([, kind, name]) => ({
      kind,
      name,
    }));
    expect(copied).toEqual([{ kind: 'cronjob', name: 'pgvector-backfill-enqueue' }]);
    const source = manifests.find(
      ({ kind, metadata }) => kind === 'CronJob' && metadata.name === copied[0]?.name,
    );
    expect(source?.spec?.suspend).toBe(true);
  });

  it('is whole: every document parses, and its settings are options', async () => {
    const documents = parseAllDocuments(await read('docs/kubernetes.yaml'));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const manifests = documents.map((each) => each.toJS() as Manifest);
    const { data = {} } = manifests.find(({ kind }) => kind === 'ConfigMap') ?? {};
    expect(Object.keys(data).filter((name) => !variables.has(name))).toEqual([]);
    const env = { ...data, DATABASE_URL: 'postgres://u@h/d', DASHBOARD_TOKEN: 'a-long-token-of-the-secret' };
    const { settings } = await loadConfig({ flags: {}, env, cwd: '/' });
    expect(settings.metrics.port).toBe(9464);

    const pods = manifests.flatMap(({ kind, spec }) =>
      [spec?.template ?? spec?.jobTemplate?.spec.template]
        .filter((template) => template !== undefined)
        .map((template) => ({
          kind,
          replicas: spec?.replicas,
          pod: template.spec,
          labels: template.metadata?.labels,
        })),
    );
    expect(pods.map(({ kind }) => kind)).toEqual(['CronJob', 'Deployment', 'Deployment']);
    for (const { pod } of pods) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.automountServiceAccountToken).toBe(false);
      // Or a Service's address comes in under the name of an option: DASHBOARD_PORT.
      expect(pod.enableServiceLinks).toBe(false);
      for (const container of pod.containers) {
        expect(Object.keys(VERBS)).toContain(container.args[0]);
        expect(container.securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
        });
        for (const { name } of container.env ?? []) expect(variables).toContain(name);
        const probes = Object.entries(container).filter(([key]) => key.endsWith('Probe'));
        for (const [, probe] of probes as [string, NonNullable<Container['livenessProbe']>][]) {
          if (probe.exec !== undefined) expect(probe.exec.command).toEqual(await checkOfImage());
          else {
            expect(['/healthz', '/readyz']).toContain(probe.httpGet?.path);
            expect(container.ports?.map(({ name }) => name)).toContain(probe.httpGet?.port);
          }
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
    expect(worker?.pod.containers[0]?.livenessProbe?.exec).toBeDefined();
    expect(worker?.replicas).toBe(2);
    expect(worker?.pod.containers[0]?.ports?.[0]?.containerPort).toBe(settings.metrics.port);
    expect(worker?.pod.terminationGracePeriodSeconds ?? 0).toBeGreaterThan(settings.worker.drainSeconds);
  });
});

describe('Dockerfile', () => {
  it('starts the program behind an init, under the name that messages have for it', async () => {
    const text = await read('Dockerfile');
    const [, entry = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
    const [init, ...command] = JSON.parse(entry) as string[];
    // The first process of a container loses signals that it has no handler for yet.
    expect(init).toBe('tini');
    expect(text).toMatch(/apt-get install .*\btini\b/);
    expect(command.at(-1)).toBe('pgvector-backfill');
    expect(text).toContain('ln -s /app/dist/scripts/cli.js /usr/local/bin/pgvector-backfill');
    const [, file] = /BACKFILL_HEALTH_FILE=(\S+)/.exec(text) ?? [];
    expect(file).toMatch(/^\/tmp\//);
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
          healthcheck?: { test: string[] };
          volumes?: string[];
        }
      >;
    };
    expect(Object.keys(services)).toEqual(['db', 'redis', 'worker', 'dashboard']);
    for (const [name, service] of Object.entries(services)) expect(service.healthcheck, name).toBeDefined();
    expect(services['worker']?.deploy?.replicas).toBe(2);
    const [, ...check] = services['worker']?.healthcheck?.test ?? [];
    expect(check.map((part) => part.replaceAll('$$', '$'))).toEqual(await checkOfImage());
    // Whoever embeds has the models: the search page does, too.
    for (const name of ['worker', 'dashboard']) expect(services[name]?.volumes).toContain('models:/models');
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
