/** A matrix of weights in fewer bits, as the converters of published models write it. */

/** Rows × columns, row by row. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float32Array;
}

export const EIGHT_BITS = ['int8', 'uint8'] as const;
export type EightBits = (typeof EIGHT_BITS)[number];

export interface Eighths {
  values: Int8Array | Uint8Array;
  scale: number;
  zero: number;
}

/** One scale for all of it; int8 around 0, uint8 from the smallest to the largest. */
export function eightBits({ data }: Matrix, element: EightBits): Eighths {
  let [smallest, largest] = [0, 0];
  for (const value of data) {
    smallest = Math.min(smallest, value);
    largest = Math.max(largest, value);
  }
  if (element === 'int8') {
    const scale = Math.max(-smallest, largest) / 127;
    const values = new Int8Array(data.length);
    for (let at = 0; at < data.length; at++) values[at] = Math.round((data[at] ?? 0) / scale);
    return { values, scale, zero: 0 };
  }
  const scale = (largest - smallest) / 255;
  const zero = Math.round(-smallest / scale);
  const values = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++)
    values[at] = Math.min(255, Math.max(0, Math.round((data[at] ?? 0) / scale) + zero));
  return { values, scale, zero };
}

/** Weights of one output that share a scale. */
export const BLOCK = 32;
export const BNB_BLOCK = 64;
const MIDDLE = 8;

/** For MatMulNBits: outputs × blocks × 16 bytes, the lower half of a byte first, and a scale for each block. */
export function fourBits({ rows, columns, data }: Matrix): { values: Uint8Array; scales: Float32Array } {
  const blocks = Math.ceil(rows / BLOCK);
  const values = new Uint8Array((columns * blocks * BLOCK) / 2).fill(MIDDLE | (MIDDLE << 4));
  const scales = new Float32Array(columns * blocks);
  for (let column = 0; column < columns; column++)
    for (let block = 0; block < blocks; block++) {
      const [from, to] = [block * BLOCK, Math.min(rows, (block + 1) * BLOCK)];
      let furthest = 0;
      for (let row = from; row < to; row++) {
        const value = data[row * columns + column] ?? 0;
        if (Math.abs(value) > Math.abs(furthest)) furthest = value;
      }
      const scale = furthest / -MIDDLE;
      scales[column * blocks + block] = scale;
      if (scale === 0) continue;
      for (let row = from; row < to; row++) {
        const step = Math.round((data[row * columns + column] ?? 0) / scale) + MIDDLE;
        put(values, (column * blocks + block) * BLOCK + row - from, Math.min(15, Math.max(0, step)));
      }
    }
  return { values, scales };
}

function put(values: Uint8Array, at: number, step: number): void {
  const byte = at >> 1;
  const kept = values[byte] ?? 0;
  values[byte] = at % 2 === 0 ? (kept & 0xf0) | step : (kept & 0x0f) | (step << 4);
}

/** NF4 of bitsandbytes: quantiles of a normal distribution. */
const NORMAL_FLOATS = [
  -1, -0.696_192_800_998_687_7, -0.525_073_051_452_636_7, -0.394_917_488_098_144_53,
  -0.284_441_381_692_886_35, -0.184_773_430_228_233_34, -0.091_050_036_251_544_95, 0,
  0.079_580_299_556_255_34, 0.160_930_201_411_247_25, 0.246_112_301_945_686_34, 0.337_915_241_718_292_24,
  0.440_709_829_330_444_34, 0.562_617_003_917_694_1, 0.722_956_836_223_602_3, 1,
];

/** For MatMulBnb4: the matrix turned, in blocks of 64 one behind the other, the upper half of a byte first. */
export function normalFloats({ rows, columns, data }: Matrix): { values: Uint8Array; scales: Float32Array } {
  const count = rows * columns;
  const turned = new Float32Array(count);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column] ?? 0;
  const values = new Uint8Array(Math.ceil(count / 2));
  const scales = new Float32Array(Math.ceil(count / BNB_BLOCK));
  for (const block of scales.keys()) {
    const part = turned.subarray(block * BNB_BLOCK, (block + 1) * BNB_BLOCK);
    const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    scales[block] = largest;
    for (const [at, value] of part.entries()) {
      const place = block * BNB_BLOCK + at;
      const step = largest === 0 ? 7 : nearest(value / largest);
      values[place >> 1] = (values[place >> 1] ?? 0) | (place % 2 === 0 ? step << 4 : step);
    }
  }
  return { values, scales };
}

function nearest(value: number): number {
  let found = 0;
  for (const [at, each] of NORMAL_FLOATS.entries())
    if (Math.abs(each - value) < Math.abs((NORMAL_FLOATS[found] ?? 0) - value)) found = at;
  return found;
}
