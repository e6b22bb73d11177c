/** A configuration file in TypeScript: by Node itself, which can from 22.18 on, or by whatever loader the application has. */

export const importTypeScript = (url: string): Promise<unknown> => import(url);
