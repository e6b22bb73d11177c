/** Reading and rewriting what the server answers. */

import { readCString } from './frames.ts';

const HEADER_BYTES = 5;
const DATA_ROW = 'D'.charCodeAt(0);
const COPY_DATA = 'd'.charCodeAt(0);

type TransactionStatus = 'I' | 'T' | 'E';

export interface Outcome {
  /** Of the last ReadyForQuery; null where the messages ended in a Flush. */
  status: TransactionStatus | null;
  failed: boolean;
  /** Whether the last transaction command that ran was ROLLBACK. */
  rolledBack: boolean;
  /** Types of all messages that are not rows. */
  types: Set<string>;
}

/** Calls `visit` for every message but rows, of which there may be very many and which nobody looks into. */
function forEachMessage(output: Buffer, visit: (type: string, start: number, end: number) => void): void {
  let at = 0;
  while (at + HEADER_BYTES <= output.length) {
    const type = output[at] ?? 0;
    const end = at + 1 + output.readInt32BE(at + 1);
    if (type !== DATA_ROW && type !== COPY_DATA) visit(String.fromCharCode(type), at, end);
    at = end;
  }
}

export function readOutcome(output: Buffer): Outcome {
  const outcome: Outcome = { status: null, failed: false, rolledBack: false, types: new Set() };
  forEachMessage(output, (type, start) => {
    outcome.types.add(type);
    if (type === 'Z')
      outcome.status = String.fromCharCode(output[start + HEADER_BYTES] ?? 0) as TransactionStatus;
    else if (type === 'E') outcome.failed = true;
    else if (type === 'C') {
      const tag = readCString(output, start + HEADER_BYTES).text;
      if (tag === 'ROLLBACK') outcome.rolledBack = true;
      else if (tag === 'COMMIT') outcome.rolledBack = false;
    }
  });
  return outcome;
}

/** The output with each message (rows left alone) as `change` returns it: itself, another one, or null to drop it. */
export function rewriteOutput(
  output: Buffer,
  change: (type: string, message: Buffer) => Buffer | null,
): Buffer[] {
  const parts: Buffer[] = [];
  let keptFrom = 0;
  forEachMessage(output, (type, start, end) => {
    const message = output.subarray(start, end);
    const changed = change(type, message);
    if (changed === message) return;
    if (keptFrom < start) parts.push(output.subarray(keptFrom, start));
    if (changed !== null) parts.push(changed);
    keptFrom = end;
  });
  if (keptFrom < output.length) parts.push(output.subarray(keptFrom));
  return parts;
}

/** Rows of text columns; for the gateway's own questions. */
export function readRows(output: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let at = 0;
  while (at + HEADER_BYTES <= output.length) {
    const end = at + 1 + output.readInt32BE(at + 1);
    if (output[at] === DATA_ROW) rows.push(readRow(output, at + HEADER_BYTES));
    at = end;
  }
  return rows;
}

function readRow(output: Buffer, start: number): (string | null)[] {
  const count = output.readInt16BE(start);
  const row: (string | null)[] = [];
  let at = start + 2;
  for (let column = 0; column < count; column += 1) {
    const length = output.readInt32BE(at);
    at += 4;
    row.push(length === -1 ? null : output.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return row;
}
