/** Figures for people, the same on the terminal and on the dashboard. */

export { bytes, count, duration, percent } from '../../src/observability/format.ts';
