/** The signs of trouble that are looked at, what they are called, and how their values are shown. */

import type { Settings } from '../config/settings.ts';

export type Unit = 's' | 'bytes' | 'bytes/s' | 'files' | 'level' | 'sessions' | 'share' | 'number';

interface Signal {
  /** As in `tune --threshold`, in `status --json` and below `throttle` in the settings, where its limits are. */
  name: keyof Settings['throttle'];
  unit: Unit;
  /** As a sentence says it. */
  label: string;
}

/** Of all of them more is worse. */
export const SIGNALS = [
  { name: 'replicaLag', unit: 's', label: 'replica lag' },
  { name: 'replicaLagBytes', unit: 'bytes', label: 'replica lag' },
  { name: 'slotBacklog', unit: 'bytes', label: 'WAL kept for a slot' },
  {
    name: 'archiveBacklog',
    unit: 'files',
    label: 'WAL waiting for the archive',
  },
  { name: 'walRate', unit: 'bytes/s', label: 'WAL rate' },
  { name: 'autovacuum', unit: 'level', label: 'autovacuum of the table' },
  {
    name: 'lockWaiters',
    unit: 'sessions',
    label: 'sessions that wait for locks of the table',
  },
  { name: 'activeSessions', unit: 'share', label: 'active sessions' },
  { name: 'diskUsed', unit: 'share', label: 'disk used' },
  { name: 'sqlValue', unit: 'number', label: "throttle.sql's value" },
] as const satisfies readonly Signal[];

export type SignalName = (typeof SIGNALS)[number]['name'];

/** What one look at a signal gave. */
export interface Reading {
  value: number | null;
  /** Why there is no value and cannot be one; absent where it is only too early. */
  note?: string;
  /** The operator's own check gave no answer: whoever sets up a guard does not want to go on without it. */
  holds?: true;
  /** Nothing is set up to be read. */
  off?: true;
}
export type Readings = Record<SignalName, Reading>;

const KILO = 1024;
const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `2.4 s`, `1.5 GB`, `85 %`. */
export function formatValue(value: number, unit: Unit): string {
  switch (unit) {
    case 'bytes':
      return size(value);
    case 'bytes/s':
      return `${size(value)}/s`;
    case 'share':
      return `${round(value * 100)} %`;
    case 'level':
      return value >= 2 ? 'to prevent wraparound' : value >= 1 ? 'running' : 'none';
    case 'number':
    case 'sessions':
      return String(round(value));
    default:
      return `${round(value)} ${unit}`;
  }
}

function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log(bytes) / Math.log(KILO)), SIZES.length - 1);
  return `${round(bytes / KILO ** power)} ${SIZES[power] ?? 'B'}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
