/** Variables that Kubernetes (and Docker's links before it) sets for each Service: one of them may have the name of ours. */

import type { Option } from './option.ts';

const PORT = '_PORT';

/**
 * `DASHBOARD_PORT=tcp://10.43.2.9:80` is what a Service named `dashboard` puts into every pod of its namespace
 * (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). Empty where it is no such value.
 */
export function serviceLinkNote({ env, flag, path }: Option, value: unknown): string {
  if (!env.endsWith(PORT) || typeof value !== 'string' || !/^(tcp|udp|sctp):\/\//i.test(value)) return '';
  const service = env.slice(0, -PORT.length).toLowerCase().replaceAll('_', '-');
  return ` That is a service link, which Kubernetes sets for a Service named ${service}: set enableServiceLinks: false in the pod, or set ${env} itself in the container, or give --${flag}; ${path} in the file does not win over it.`;
}
