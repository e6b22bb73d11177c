/** Runs a verb: interrupts are obeyed, errors become a message and an exit code, and there is one clean end. */

import { interruptible } from '../db/interruption.ts';
import { endTracing } from '../observability/tracing.ts';
import { isUsageNews } from '../embedding/usage/usage-news.ts';
import type { Command, Invocation } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { helpText } from './help.ts';
import { processHost, type Host } from './host.ts';
import { invocationOf } from './invocation.ts';
import { reportError } from './report-error.ts';

/** What has not come to its end by then, waits for something that nobody can end, ms. */
const OBEYED_MS = 5000;

/** @returns the exit code. */
export async function runCommand(command: Command, argv: string[], host: Host): Promise<number> {
  const interrupt = new AbortController();
  let late: NodeJS.Timeout | undefined;
  const stopListening = host.onInterrupt(() => {
    // A second signal ends at once: whoever presses twice means it.
    if (interrupt.signal.aborted) host.exit(EXIT.interrupted);
    host.stderr.write(
      `Interrupted: ${command.drains ?? 'ending what is under way'}. Ctrl-C again ends it at once.\n`,
    );
    interrupt.abort();
    if (command.drains === undefined) late = setTimeout(() => host.exit(EXIT.interrupted), OBEYED_MS).unref();
  });
  let json = argv.includes('--json');
  try {
    const invocation = invocationOf(command, argv, host, interrupt.signal);
    json = invocation.json;
    if (invocation.flags['help'] === true) {
      host.stdout.write(helpText(command));
      return EXIT.done;
    }
    const run = (): Promise<number> => runSettled(command, invocation);
    if (command.drains !== undefined) return await run();
    const code = await interruptible(interrupt.signal, run);
    // Whatever it made of what was taken from it.
    return interrupt.signal.aborted && code !== EXIT.done ? EXIT.interrupted : code;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    return reportError(error, json, host);
  } finally {
    clearTimeout(late);
    stopListening();
  }
}

/** Whoever has fetched a model just now begins again where its files say something else of its use than was taken before: nothing is done yet. */
async function runSettled(command: Command, invocation: Invocation): Promise<number> {
  try {
    return await command.run(invocation);
  } catch (error) {
    if (!isUsageNews(error)) throw error;
    invocation.warn(`${error.message} Going by them, except for what is set otherwise.`);
    return command.run(invocation);
  }
}

/** As this process's own work: what was traced is handed over before it ends. */
export async function runToEnd(
  command: Command,
  argv: string[],
  host: Host = processHost(),
): Promise<number> {
  const code = await runCommand(command, argv, host);
  await endTracing();
  return code;
}
