/** Numbers of 16 bits (IEEE 754 binary16), as their bits. */

/** The largest; what is beyond becomes it, as the converters of published models do with the scores of padding. */
const LARGEST = 65_504;
const word = new DataView(new ArrayBuffer(4));

/** To the nearest, to the even one of two. */
function half(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), LARGEST);
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  word.setFloat32(0, size);
  const bits = word.getUint32(0);
  const rest = bits & 0x1fff;
  const short = (bits - ((127 - 15) << 23)) >>> 13;
  const up = rest > 0x1000 || (rest === 0x1000 && (short & 1) === 1);
  return sign | (short + (up ? 1 : 0));
}

export const halves = (values: Float32Array): Uint16Array => Uint16Array.from(values, half);
