/** The face's types: the declarations that it reaches, with the few words of other packages that stand in them. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** What the declarations say of packages that are not installed with the face. `pg` is the application's own. */
const WORDS: Record<string, string> = {
  zod: 'export declare namespace z {\n  interface ZodType<T> { _zod: { output: T } }\n}\n',
  pino: 'export interface Logger { [method: string]: unknown }\ndeclare const pino: unknown;\nexport default pino;\n',
};
const IMPORT = /(from |import\()(['"])([^'"]+)\2/g;

/** `from`: the declarations of all of the program. */
export async function writeTypes(from: string, entry: string, out: string): Promise<void> {
  const written = new Set<string>();
  const queue = [entry];
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (written.has(file)) continue;
    written.add(file);
    const folder = dirname(file);
    const text = (await readFile(join(from, file), 'utf8')).replaceAll(
      IMPORT,
      (whole, lead: string, quote: string, name: string) => {
        if (name.startsWith('.')) queue.push(join(folder, name.replace(/\.ts$/, '.d.ts')));
        if (WORDS[name] === undefined) return whole;
        const stub = relative(folder, `packages/${name}.js`);
        return `${lead}${quote}${stub.startsWith('.') ? stub : `./${stub}`}${quote}`;
      },
    );
    await mkdir(join(out, folder), { recursive: true });
    await writeFile(join(out, file), text.replaceAll(/^\/\/# sourceMappingURL.*$/gm, ''));
  }
  await mkdir(join(out, 'packages'), { recursive: true });
  for (const [name, text] of Object.entries(WORDS))
    await writeFile(join(out, 'packages', `${name}.d.ts`), text);
}
