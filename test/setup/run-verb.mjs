/** A verb in a process of its own, with the intervals of a worker: node run-verb.mjs COMPILED VERB TIMES [ARGUMENT…]. */

const [compiled, verb, times, ...argv] = process.argv.slice(2);
const load = (path) => import(new URL(path, compiled).href);
const { runToEnd } = await load('src/cli/run-command.js');
const { processHost } = await load('src/cli/host.js');
const { VERBS } = await load('scripts/lib/verbs.js');
process.exitCode = await runToEnd(await VERBS[verb](), argv, {
  ...processHost(),
  times: JSON.parse(times),
});
