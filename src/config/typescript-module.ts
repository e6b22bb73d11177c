/** A configuration file in TypeScript. */

/**
 * Node reads TypeScript by itself only from 22.18 on, and without enums and paths of its own. Nothing of it is kept: a copy in a
 * cache folder would hold what the file holds, passwords too.
 */
export const importTypeScript = async (url: string): Promise<unknown> => {
  const { createJiti } = await import('jiti');
  return createJiti(import.meta.url, { fsCache: false, moduleCache: false }).import(url);
};
