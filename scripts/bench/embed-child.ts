/** One system in a process of its own: told what to embed, it answers with the time that took and its memory. */

import { readFileSync, readdirSync } from 'node:fs';
import { messageOf } from '../../src/errors.ts';
import { openSystem, type Embed, type SystemSetup } from './embed-systems.ts';

export type ToChild =
  | { type: 'open'; setup: SystemSetup }
  | { type: 'open-roofline'; quantized: boolean; threads: number }
  | { type: 'embed'; calls: string[][] }
  | { type: 'multiply'; milliseconds: number };
export type FromChild =
  | { type: 'opened'; installed: boolean }
  | { type: 'done'; seconds: number; peakBytes: number }
  | { type: 'multiplied'; perSecond: number }
  | { type: 'failed'; message: string };

const say = (message: FromChild): void => void process.send?.(message);
let embed: Embed | null = null;
let multiply: ((milliseconds: number) => Promise<number>) | null = null;

/** Largest memory of this process and of those that it started, in bytes; 0 where the system does not say. */
function peakBytes(): number {
  try {
    const tree = new Set([process.pid]);
    const status = (pid: string): string => readFileSync(`/proc/${pid}/status`, 'utf8');
    const value = (text: string, name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    let sum = 0;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const text = status(pid);
      if (!tree.has(Number(pid)) && !tree.has(value(text, 'PPid'))) continue;
      tree.add(Number(pid));
      sum += value(text, 'VmHWM') * 1024;
    }
    return sum;
  } catch {
    return 0;
  }
}

async function answer(message: ToChild): Promise<void> {
  if (message.type === 'open') {
    embed = await openSystem(message.setup);
    return say({ type: 'opened', installed: embed !== null });
  }
  if (message.type === 'open-roofline') {
    // Not at the top: two versions of the native runtime cannot be in one process.
    const { openRoofline } = await import('./roofline.ts');
    multiply = await openRoofline(message.quantized, message.threads);
    return say({ type: 'opened', installed: true });
  }
  if (message.type === 'multiply')
    return say({ type: 'multiplied', perSecond: (await multiply?.(message.milliseconds)) ?? 0 });
  const started = performance.now();
  for (const texts of message.calls) await embed?.(texts);
  say({ type: 'done', seconds: (performance.now() - started) / 1000, peakBytes: peakBytes() });
}

process.on('message', (message: ToChild) => {
  answer(message).catch((error: unknown) => say({ type: 'failed', message: messageOf(error) }));
});
process.on('disconnect', () => process.exit(0));
