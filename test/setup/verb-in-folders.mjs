/** A verb once in each of several folders, all in one process: node verb-in-folders.mjs COMPILED VERB ARGUMENTS FOLDERS, both lists in JSON. */

const [compiled, verb, argv, folders] = process.argv.slice(2);
const load = (path) => import(new URL(path, compiled).href);
const { runCommand } = await load('src/cli/run-command.js');
const { processHost } = await load('src/cli/host.js');
const { VERBS } = await load('scripts/lib/verbs.js');
const results = [];
for (const cwd of JSON.parse(folders)) {
  let said = '';
  const stdout = { ...processHost().stdout, write: (chunk) => void (said += chunk) };
  const code = await runCommand(await VERBS[verb](), JSON.parse(argv), { ...processHost(), cwd, stdout });
  results.push({ code, said: JSON.parse(said) });
}
console.log(JSON.stringify(results));
