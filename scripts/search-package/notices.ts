/** The licences of packages that are inside of built files. */

import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

export async function licenceNotices(root: string, metafiles: readonly Metafile[]): Promise<string> {
  const folders = new Set(
    metafiles.flatMap(({ inputs }) =>
      Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
    ),
  );
  const notices = [...folders].toSorted().map((folder) => notice(join(root, folder)));
  return (await Promise.all(notices)).join(`\n${'-'.repeat(80)}\n\n`);
}

async function notice(folder: string): Promise<string> {
  const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const names = (await readdir(folder)).filter((name) =>
    /^licen[cs]e|^copying|^thirdpartynotices/i.test(name),
  );
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const text =
    texts.length > 0 && existsSync(folder)
      ? texts.join('\n')
      : `License: ${about.license ?? 'see its site'}\n`;
  return `${about.name} ${about.version}\n\n${text}`;
}
