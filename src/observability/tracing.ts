/**
 * Traces by OpenTelemetry, where an OTLP endpoint is set in the environment as OpenTelemetry names it
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/); nothing of it is loaded otherwise.
 */

import type { Telemetry } from 'bullmq';

export interface Tracing {
  /** For queues and workers: the job's span is a child of the one that added it, in whichever process. */
  telemetry: Telemetry | undefined;
  /** Sends what is not sent yet. */
  close(): Promise<void>;
}

const OFF: Tracing = { telemetry: undefined, close: () => Promise.resolve() };
const SERVICE = 'pgvector-backfill';

const isOn = (env: NodeJS.ProcessEnv): boolean =>
  (env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '') !== '' &&
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none';

async function startTracing(env: NodeJS.ProcessEnv): Promise<Tracing> {
  if (!isOn(env)) return OFF;
  const [
    { NodeTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { resourceFromAttributes },
    { BullMQOtel },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('bullmq-otel'),
  ]);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? SERVICE }),
    // Endpoint, headers and limits are read from the environment.
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return {
    telemetry: new BullMQOtel({ tracerName: SERVICE }) as unknown as Telemetry,
    close: () => provider.shutdown().catch(() => {}),
  };
}

let present: Promise<Tracing> | null = null;

/** One for the process, from the first call on. */
export function tracing(): Promise<Tracing> {
  present ??= startTracing(process.env);
  return present;
}

/** Before the process ends. */
export async function endTracing(): Promise<void> {
  const started = await present;
  present = null;
  await started?.close();
}
