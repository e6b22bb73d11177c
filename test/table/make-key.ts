/** Key columns as the catalog would describe them, for tests of SQL text. */

import type { KeyColumn } from '../../src/table/key.ts';

const SEND: Record<string, [send: string, width: number | null]> = {
  bigint: ['int8send', 8],
  integer: ['int4send', 4],
  smallint: ['int2send', 2],
  uuid: ['uuid_send', 16],
  text: ['textsend', null],
  numeric: ['numeric_send', null],
};

export function keyColumn(name: string, type = 'bigint', changes: Partial<KeyColumn> = {}): KeyColumn {
  const [send, width] = SEND[type] ?? ['textsend', null];
  return {
    name,
    type,
    isDomain: false,
    operators: { less: '<', lessOrEqual: '<=', equal: '=', greaterOrEqual: '>=', greater: '>' },
    collate: '',
    isDescending: false,
    nulls: '',
    send,
    width,
    isCanonical: type !== 'numeric',
    ...changes,
  };
}

/** What `keyFieldsSql` gives of an integer of so many bytes. */
export function integerFields(width: 2 | 4 | 8 | 16, key: bigint): Buffer {
  const fields = Buffer.alloc(4 + width);
  fields.writeInt32BE(width);
  let rest = BigInt.asUintN(8 * width, key);
  for (let at = fields.length - 1; at >= 4; at--) {
    fields[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return fields;
}
