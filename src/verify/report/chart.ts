/** Charts as SVG text, drawn without a browser: a report must be readable without a network and years later. */

import { html } from 'hono/html';
import { roundUp } from '../../observability/format.ts';

export type Svg = ReturnType<typeof html>;

const WIDTH = 760;
const HEIGHT = 340;
const MARGIN = { left: 64, right: 20, top: 16, bottom: 48 };
/** Okabe and Ito's colours, which people who see few colours tell apart as well. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8a8a8a'] as const;
/** Of words, axes and the lines behind; the page has others of them for a dark screen. */
export const INK = '#444444';
export const GRID = '#dddddd';

/** Share of the room of a category that its bars take. */
const BARS = 0.6;
const WHISKER_HALF = 4;
const LEGEND_ROW = 22;
/** Width of a character, guessed, as there is no screen: legend entries keep apart by it. */
const CHARACTER = 7;

export interface Point {
  /** A value, or the place of a category; bars are drawn on categories alone. */
  x: number;
  y: number;
  /** 95 % interval of y, drawn as a whisker. */
  interval?: readonly [low: number, high: number];
}

export interface Series {
  name?: string;
  points: readonly Point[];
}

export interface Chart {
  kind: 'bars' | 'lines';
  /** Said to whoever does not see the picture. */
  label: string;
  /** Names of categories, or the ends of an axis of numbers. */
  x: { name?: string; at: readonly string[] | Ends };
  y: { name?: string; at: Ends };
  series: readonly Series[];
  /** Drawn dashed, from edge to edge. */
  marks?: readonly ({ x: number } | { y: number })[];
}

interface Ends {
  low: number;
  high: number;
}

/** Round numbers from below the lowest to above the highest, four to seven of them. */
function ticksOf({ low, high }: Ends): number[] {
  const step = roundUp((high - low || Math.abs(high) || 1) / 5);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

const isNamed = (at: readonly string[] | Ends): at is readonly string[] => Array.isArray(at);

/** From numbers to places: categories have a room each, and stand in its middle. */
function placesOf(at: readonly string[] | Ends, from: number, to: number) {
  const room = isNamed(at) ? (to - from) / Math.max(at.length, 1) : 0;
  const ticks = isNamed(at) ? at.map((_, place) => place) : ticksOf(at);
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const place = (value: number): number =>
    isNamed(at) ? from + room * (value + 0.5) : from + ((value - low) / (high - low)) * (to - from);
  return {
    room,
    place,
    ticks: ticks.map((value) => [isNamed(at) ? (at[value] ?? '') : String(value), place(value)] as const),
  };
}

const line = (x1: number, y1: number, x2: number, y2: number, stroke: string, more: Svg | string = ''): Svg =>
  html`<path
    d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}"
    stroke="${stroke}"
    ${more}
  />`;
const text = (
  words: string,
  x: number,
  y: number,
  anchor: 'start' | 'middle' | 'end',
  more: Svg | string = '',
): Svg =>
  html`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${INK}" ${more}
    >${words}</text
  >`;

/** Entries in rows, as many as there is room for in each. */
function legendOf(names: readonly (string | undefined)[]): { svg: Svg[]; height: number } {
  let [x, y] = [MARGIN.left, LEGEND_ROW / 2 + 4];
  const svg = names.flatMap((name, nth) => {
    if (name === undefined) return [];
    const width = 40 + name.length * CHARACTER;
    if (x > MARGIN.left && x + width > WIDTH - MARGIN.right) [x, y] = [MARGIN.left, y + LEGEND_ROW];
    x += width;
    return [
      html`<rect x="${x - width}" y="${y - 6}" width="12" height="12" fill="${colourOf(nth)}" />`,
      text(name, x - width + 18, y + 4, 'start'),
    ];
  });
  return { svg, height: svg.length === 0 ? 0 : y + LEGEND_ROW / 2 };
}

const colourOf = (nth: number): string => COLOURS[nth % COLOURS.length] ?? INK;

export function drawChart({ kind, label, x, y, series, marks = [] }: Chart): Svg {
  const legend = legendOf(series.map(({ name }) => name));
  const [left, right, top, bottom] = [
    MARGIN.left,
    WIDTH - MARGIN.right,
    MARGIN.top + legend.height,
    HEIGHT - MARGIN.bottom,
  ];
  const across = placesOf(x.at, left, right);
  const up = placesOf(y.at, bottom, top);
  const barWidth = (across.room * BARS) / series.length;
  const offset = (nth: number): number => (kind === 'bars' ? (nth - (series.length - 1) / 2) * barWidth : 0);
  const bar = (middle: number, value: number, colour: string): Svg =>
    html`<rect
      x="${(middle - barWidth / 2).toFixed(1)}"
      y="${up.place(value).toFixed(1)}"
      width="${barWidth.toFixed(1)}"
      height="${(bottom - up.place(value)).toFixed(1)}"
      fill="${colour}"
    />`;
  const whisker = (at: number, [low, high]: readonly [number, number], colour: string): Svg[] => [
    line(at, up.place(low), at, up.place(high), colour),
    ...[low, high].map((end) =>
      line(at - WHISKER_HALF, up.place(end), at + WHISKER_HALF, up.place(end), colour),
    ),
  ];
  return html`<svg
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    width="${WIDTH}"
    height="${HEIGHT}"
    role="img"
    aria-label="${label}"
    font-size="12"
    font-family="sans-serif"
    fill="none"
    stroke-width="1.5"
  >
    ${legend.svg}
    ${up.ticks.map(([words, at]) => [line(left, at, right, at, GRID), text(words, left - 8, at + 4, 'end')])}
    ${line(left, bottom, right, bottom, INK)}
    ${across.ticks.map(([words, at]) => text(words, at, bottom + 18, 'middle'))}
    ${x.name === undefined ? '' : text(x.name, (left + right) / 2, HEIGHT - 8, 'middle')}
    ${y.name === undefined ? '' : text(y.name, 0, 0, 'middle', html`transform="translate(14 ${(top + bottom) / 2}) rotate(-90)"`)}
    ${series.map(({ points }, nth) => {
      const colour = colourOf(nth);
      const placed = points.map((point) => ({ ...point, at: across.place(point.x) + offset(nth) }));
      const path = placed.map((point) => `${point.at.toFixed(1)},${up.place(point.y).toFixed(1)}`).join(' ');
      return html` ${kind === 'lines' ? html`<polyline points="${path}" stroke="${colour}" />` : ''}
      ${placed.map((point) => (kind === 'bars' ? bar(point.at, point.y, colour) : html`<circle cx="${point.at.toFixed(1)}" cy="${up.place(point.y).toFixed(1)}" r="3" fill="${colour}" />`))}
      ${placed.map(({ at, interval }) => (interval === undefined ? '' : whisker(at, interval, kind === 'bars' ? INK : colour)))}`;
    })}
    ${marks.map((mark) => {
      const dashed = html`stroke-dasharray="6 4"`;
      return 'x' in mark
        ? line(across.place(mark.x), top, across.place(mark.x), bottom, INK, dashed)
        : line(left, up.place(mark.y), right, up.place(mark.y), INK, dashed);
    })}
  </svg>`;
}
