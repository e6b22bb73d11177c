/** A configuration file in TypeScript. */

/** Node 20 cannot read TypeScript by itself; tsx can, also in the compiled product. */
export const importTypeScript = async (url: string): Promise<unknown> =>
  (await import('tsx/esm/api')).tsImport(url, import.meta.url);
