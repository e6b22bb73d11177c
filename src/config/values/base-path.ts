/** The path under which a proxy serves the dashboard: of the option, and of `X-Forwarded-Prefix`. */

/** Paths of the dashboard itself: where one begins with them, nobody could tell whether the proxy has taken it off. */
const OWN = /^\/(events|metrics|search|judge|api|api\/status|healthz|readyz|(assets|actions|queues)(\/.*)?)$/;

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/**
 * `/tools/back fill/` → `/tools/back%20fill`; `/` → the empty text. Null for what is no path of plain segments:
 * `//host` would lead to another host, and what the proxy gives is written into pages.
 */
export function parseBasePath(text: string): string | null {
  const path = text.trim().replace(/\/+$/, '');
  if (path === '') return '';
  const [before, ...segments] = path.split('/').map((each) => (/[?#\\]/.test(each) ? null : decoded(each)));
  const plain = segments.map((each) =>
    each === null || /^\.{0,2}$|[/\\\p{Cc}]/u.test(each) ? null : encodeURIComponent(each),
  );
  return before !== '' || plain.includes(null) ? null : `/${plain.join('/')}`;
}

export const isOwnPath = (basePath: string): boolean => OWN.test(basePath);

/**
 * `path` without `basePath`, once: whether the proxy takes it off or hands it on is its own affair. Segments are compared
 * by what they stand for, as a browser may write them otherwise.
 */
export function withoutBasePath(path: string, basePath: string): string {
  if (basePath === '') return path;
  const wanted = basePath.split('/').map(decoded);
  const given = path.split('/');
  if (wanted.some((segment, at) => segment !== decoded(given[at] ?? '/'))) return path;
  return `/${given.slice(wanted.length).join('/')}`;
}
