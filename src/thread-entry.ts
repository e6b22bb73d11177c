/** How a file of ours is started as a thread: through tsx from source, as it is once compiled. */

/** `source` is the entry's URL with the ending .ts, as written beside the caller. */
export function threadEntry(source: URL): URL {
  // Compiled, this file's own URL ends in .js, and so does the entry's.
  if (import.meta.url.endsWith('.js')) return new URL(source.href.replace(/\.ts$/, '.js'));
  // A thread does not inherit its parent's loader, and Node 20 refuses --import in a thread's execArgv.
  const loader = import.meta.resolve('tsx/esm/api');
  const bootstrap = `import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(source.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`);
}
