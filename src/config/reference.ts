/** The option table as a page: docs/configuration.md is made of it by `npm run docs`, and a test holds the two together. */

import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';

const INTRODUCTION = `# Configuration

Made from the option table by \`npm run docs\`; edit the files in \`src/config/options/\` instead.

Each option can be given as a flag of a verb, as an environment variable, or as a key of the configuration file, which is
\`backfill.config.{ts,js,json}\` of the working folder or the file that \`--config\` names. A flag wins over the environment,
the environment over the file, the file over the default. A value that does not fit is refused with exit code 2 and a
message that names all three places, but only by the verbs that read it: \`dashboard.*\` is read by \`dashboard\` alone,
\`metrics.*\` by \`worker\` alone. Of the options for all backfills, \`mask\`, \`model\` and \`tune\` read those that their \`--help\`
lists.

\`\`\`json
{
  "database": "postgres://app@db.internal/app",
  "queue": "redis://127.0.0.1:6379",
  "backfills": {
    "articles": { "table": "public.articles", "text": ["title", "body"], "model": { "localPath": "models" } }
  }
}
\`\`\`

Where the file has several backfills, \`--backfill NAME\` says which one is meant.
`;

/** Bars would end a cell of the table. */
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

/** The whole page, as Markdown. */
export function configurationReference(): string {
  const options = Object.values(OPTIONS) as unknown as Option[];
  const sections: string[] = [INTRODUCTION];
  for (const [title, scope] of [
    ['For all backfills', 'global'],
    ['For one backfill', 'backfill'],
  ] as const) {
    sections.push(`## ${title}\n`);
    if (scope === 'backfill') sections.push('In the file, these keys stand below `backfills.<name>`.\n');
    for (const [group, members] of grouped(options.filter((each) => each.scope === scope)))
      sections.push(`### ${group}\n`, table(members));
  }
  return `${sections.join('\n').trimEnd()}\n`;
}

/** By the first word of the key; keys without a dot come first, together. */
function grouped(options: readonly Option[]): Map<string, Option[]> {
  const groups = new Map<string, Option[]>([['General', []]]);
  for (const each of options) {
    const dot = each.name.indexOf('.');
    // Of a group that an option goes by the name of: beside that one.
    const isOfOne = options.some(({ name }) => name === each.name.slice(0, dot));
    const group = dot === -1 || isOfOne ? 'General' : `\`${each.name.slice(0, dot)}\``;
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return groups;
}

function table(options: readonly Option[]): string {
  const rows = options.map(({ name, flag, env, fallback, secret, help }) => {
    const shown = fallback === undefined ? '' : `\`${cell(JSON.stringify(fallback))}\``;
    return `| \`${name}\` | \`--${flag}\` | \`${env}\` | ${shown} | ${cell(help)}${secret ? '. Never printed or logged' : ''} |`;
  });
  return [
    '| Key | Flag | Environment | Default | Meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
