/** docs/metrics.md, from the declarations. */

import { optionName } from '../../config/option-name.ts';
import { DASHBOARD_METRICS } from './scrape.ts';
import { WORKER_METRICS } from '../../observability/instruments.ts';
import type { MetricDefinition } from '../../observability/metric.ts';

const INTRODUCTION = `# Metrics and traces

Made by \`npm run docs\` from the declarations in the source.

## Prometheus

- The dashboard answers \`/metrics\`: the run, its index and the applications' reads, from the ledger and the queues alone. It
  asks for the dashboard's credentials where they are set.
- A worker with ${optionName('metrics.port')} answers \`/metrics\`, \`/healthz\` and \`/readyz\` on
  a port of its own: what that process does, and prom-client's metrics of the process (\`process_*\`, \`nodejs_*\`). It listens on
  127.0.0.1 unless \`metrics.host\` says otherwise. No metric holds a text, a key or a secret.

\`\`\`yaml
scrape_configs:
  - job_name: pgvector-backfill
    authorization: { credentials_file: /etc/prometheus/pgvector-backfill.token } # dashboard.token
    static_configs: [{ targets: ['dashboard.example:3000'] }]
  - job_name: pgvector-backfill-worker
    static_configs: [{ targets: ['worker-1.example:9464', 'worker-2.example:9464'] }]
\`\`\`

Every series has the labels \`backfill\` and \`generation\`, of all generations that are present, in one scrape (\`source_up\` is of no
generation: where PostgreSQL is away, nobody knows which there are). Join and sum by both, or one generation counts for another.

Rules to alert on are in [alerts.yml](alerts.yml) (\`rule_files\`), a dashboard for Grafana in [grafana.json](grafana.json)
(Dashboards → New → Import). A metric that is not known at the moment is absent, not 0:
PostgreSQL and the queue are asked apart and waited for 3 s each, so that a scrape is answered while one of them is away.
\`pgvector_backfill_source_up\` tells which one answered. \`BackfillMetricsAbsent\` holds for each target by itself: by its
job's name, \`pgvector-backfill\`, or where it was heard within a day.

## Traces

Where \`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT\` is set, spans are sent by OTLP over HTTP: BullMQ's
own of each job, from where it was added to where it was processed, and within it one for each step of the batch. Headers,
limits and \`OTEL_SERVICE_NAME\` are read from the environment as OpenTelemetry names them. Nothing is loaded otherwise.
`;

export function metricsReference(): string {
  return [
    INTRODUCTION,
    '## Metrics of the dashboard\n',
    tableOf(DASHBOARD_METRICS),
    '\n## Metrics of a worker\n',
    tableOf(WORKER_METRICS),
    '',
  ].join('\n');
}

function tableOf(metrics: readonly MetricDefinition[]): string {
  return [
    '| Name | Type | Labels | Meaning |',
    '| --- | --- | --- | --- |',
    ...metrics.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
  ].join('\n');
}
