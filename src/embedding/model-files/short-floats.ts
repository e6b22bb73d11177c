/** Floats of 16 bits, in which models keep their weights and some graphs take and give their tensors. */

const TABLES = new Map<(bits: number) => number, Float32Array>();

/** `make`: the number of its bits. There are so few that all are made once. */
function looked(bits: Uint16Array, make: (bits: number) => number): Float32Array {
  let table = TABLES.get(make);
  if (table === undefined)
    TABLES.set(make, (table = Float32Array.from({ length: 2 ** 16 }, (_, each) => make(each))));
  const result = new Float32Array(bits.length);
  for (let at = 0; at < bits.length; at++) result[at] = table[bits[at]!]!;
  return result;
}

/** IEEE 754 binary16. */
export const ofFloat16 = (bits: Uint16Array): Float32Array => looked(bits, float16);
export const ofBfloat16 = (bits: Uint16Array): Float32Array => looked(bits, bfloat16);

function float16(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint32(0, bits * 2 ** 16);
  return word.getFloat32(0);
}
