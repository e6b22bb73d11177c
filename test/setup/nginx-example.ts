/** The example of docs/security.md, with the ports and files of a test in the place of its own. */

import { readFile } from 'node:fs/promises';
import { makeCertificate } from './certificate.ts';

export interface NginxExample {
  /** Its `server` block, to listen on `port` before a dashboard on `upstream`. */
  server(port: number, upstream: number): string;
  /** What it sets for the dashboard. */
  env: Record<string, string>;
  /** The files that it names. */
  files: Record<string, string>;
  host: string;
  /** Where it puts the dashboard. */
  basePath: string;
}

/** @throws Error where the page does not hold what is to be replaced */
export async function nginxExample(): Promise<NginxExample> {
  const page = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const [, block = ''] = /```nginx\n([\s\S]*?)```\n\n```sh\n[\s\S]*?```/.exec(page) ?? [];
  const [, variables = ''] = /```nginx\n[\s\S]*?```\n\n```sh\n([\s\S]*?)```/.exec(page) ?? [];
  const env = Object.fromEntries(
    variables
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  const { cert, key } = makeCertificate();
  return {
    server: (port, upstream) =>
      [
        ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
        ['/etc/nginx/search.example.org.pem', 'cert.pem'],
        ['/etc/nginx/search.example.org.key', 'key.pem'],
        ['http://127.0.0.1:3000', `http://127.0.0.1:${upstream}`],
      ].reduce((text, [from = '', to = '']) => replaced(text, from, to), block),
    env: { ...env, DASHBOARD_PORT: '0', DASHBOARD_PASSWORD: 'long enough' },
    files: { 'cert.pem': cert, 'key.pem': key },
    host: 'search.example.org',
    basePath: env['DASHBOARD_BASE_PATH'] ?? '',
  };
}

export function replaced(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`${from} is not there once: ${text}`);
  return text.replace(from, () => to);
}
