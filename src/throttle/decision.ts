/** Readings and thresholds → go, hold or stop, with the reason in words. */

import type { Limits, SignalState } from '../ledger/progress/throttle-state.ts';
import { SIGNALS, formatValue, type Readings, type SignalName, type Unit } from './signals.ts';

export interface ThrottleDecision {
  verdict: 'go' | 'hold' | 'stop';
  /** Empty where nothing holds. */
  reason: string;
  signals: SignalState[];
}

/** A signal that holds lets go below this part of its threshold: at the threshold itself it would do so every second. */
const RELEASE_SHARE = 0.9;

/** @param before the signals of the last look, of whichever worker. */
export function decide(
  readings: Readings,
  limits: (name: SignalName) => Limits,
  before: readonly SignalState[],
): ThrottleDecision {
  const reasons: string[] = [];
  const signals = SIGNALS.map(({ name, unit, label }): SignalState => {
    const reading = readings[name];
    const { hold, stop } = reading.off === true ? { hold: null, stop: null } : limits(name);
    const held = before.some((signal) => signal.name === name && isHolding(signal));
    const state =
      reading.holds === true && (hold !== null || stop !== null)
        ? 'hold'
        : stateOf(reading.value, { hold, stop }, held, reading.note !== undefined);
    if (state === 'hold' || state === 'stop')
      reasons.push(reasonOf({ label, unit, value: reading.value, note: reading.note, hold, stop }, state));
    const note = reading.note === undefined ? {} : { note: reading.note };
    return { name, value: reading.value, unit, hold, stop, state, ...note };
  });
  const verdict = signals.some(({ state }) => state === 'stop')
    ? 'stop'
    : signals.some(isHolding)
      ? 'hold'
      : 'go';
  return { verdict, reason: reasons.join('; '), signals };
}

const isHolding = ({ state }: SignalState): boolean => state === 'hold' || state === 'stop';

function stateOf(
  value: number | null,
  { hold, stop }: Limits,
  held: boolean,
  isHidden: boolean,
): SignalState['state'] {
  if (hold === null && stop === null) return 'off';
  if (value === null) return isHidden ? 'unknown' : 'go';
  if (stop !== null && value >= stop) return 'stop';
  if (hold !== null && value >= (held ? hold * RELEASE_SHARE : hold) && value > 0) return 'hold';
  return 'go';
}

function reasonOf(
  signal: { label: string; unit: Unit; value: number | null; note: string | undefined } & Limits,
  state: 'hold' | 'stop',
): string {
  const { label, unit, value, note, hold, stop } = signal;
  if (value === null) return `${label} is not known: ${note ?? 'no reading'}`;
  const [verb, at] = state === 'stop' ? ['stops', stop] : ['holds', hold];
  return `${label} ${formatValue(value, unit)} (${verb} at ${formatValue(at ?? 0, unit)})`;
}
