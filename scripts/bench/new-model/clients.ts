/** The searching applications, seen from outside. */

import { once } from 'node:events';
import { forkEntry } from '../../../src/process/fork-entry.ts';
import type { ClientsReport, ClientsSetup, ToClients } from './clients-child.ts';

export interface Clients {
  /** What is answered from now on is of that phase. */
  phase(name: string): void;
  report(): Promise<ClientsReport>;
  stop(): Promise<ClientsReport>;
  kill(): void;
}

export function startClients(setup: ClientsSetup): Clients {
  const child = forkEntry(new URL('./clients-child.ts', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const send = (message: ToClients): void => void child.send(message);
  const asked = async (type: 'report' | 'stop'): Promise<ClientsReport> => {
    const answer = once(child, 'message');
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the clients ended with ${code} before they had told anything`);
    });
    send({ type });
    return ((await Promise.race([answer, ended])) as [ClientsReport])[0];
  };
  send({ type: 'start', setup });
  return {
    phase: (name) => send({ type: 'phase', name }),
    report: () => asked('report'),
    stop: () => asked('stop'),
    kill: () => void child.kill('SIGKILL'),
  };
}
