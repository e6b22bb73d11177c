/**
 * Files that an ONNX graph keeps its weights in (TensorProto.external_data): they decide vectors as the graph does, and
 * lie beside it under names that the graph chooses. Read from the protocol buffer itself, whose larger parts are stepped over.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { ConfigError } from '../../errors.ts';

/** Kind of message → its fields that may lead to a tensor, by number; onnx/onnx.proto. */
const FIELDS = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  function: { 7: 'node', 11: 'attribute' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: { 1: 'text', 2: 'text' },
} as const satisfies Record<string, Record<number, string>>;
type Kind = keyof typeof FIELDS;

const WINDOW = 65_536;
/** Messages within messages: the runtime's own reader gives up at half of it. */
const DEEPEST = 200;

class Damaged extends Error {}

class Reader {
  readonly #file: number;
  readonly #window = Buffer.alloc(WINDOW);
  #from = 0;
  #length = 0;

  constructor(file: number) {
    this.#file = file;
  }

  byte(at: number): number {
    if (at < this.#from || at >= this.#from + this.#length) {
      this.#from = at;
      this.#length = readSync(this.#file, this.#window, 0, WINDOW, at);
      if (this.#length === 0) throw new Damaged();
    }
    return this.#window[at - this.#from] ?? 0;
  }

  varint(at: number): { value: number; next: number } {
    let value = 0;
    for (let shift = 0, next = at; shift < 70; shift += 7) {
      const byte = this.byte(next++);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return { value, next };
    }
    throw new Damaged();
  }

  text(from: number, to: number): string {
    const bytes = Buffer.alloc(to - from);
    for (let at = from; at < to; at++) bytes[at - from] = this.byte(at);
    return bytes.toString('utf8');
  }
}

/**
 * Paths as the graph names them, beside it, each once and in order; empty where all weights are in the graph. What is
 * no ONNX graph has none: the runtime says so, better.
 * @throws ConfigError where one leads out of the graph's folder
 */
export function externalData(graph: string): string[] {
  const found = new Set<string>();
  const file = openSync(graph, 'r');
  try {
    walk(new Reader(file), 'model', 0, Number.POSITIVE_INFINITY, found, 0);
  } catch (error) {
    if (error instanceof Damaged) return [];
    throw error;
  } finally {
    closeSync(file);
  }
  for (const path of found) {
    const plain = posix.normalize(path);
    if (path === '' || path.includes('\\') || posix.isAbsolute(plain) || plain.split('/').includes('..'))
      throw new ConfigError(`${graph} keeps weights in ${JSON.stringify(path)}, outside of its folder.`, {
        code: 'MODEL_GRAPH',
        remedy: 'Use another export of the model: its weights belong beside the graph.',
      });
  }
  return [...found].map((path) => posix.normalize(path)).toSorted();
}

function walk(reader: Reader, kind: Kind, from: number, to: number, found: Set<string>, depth: number): void {
  if (depth > DEEPEST) throw new Damaged();
  const fields: Record<number, string> = FIELDS[kind];
  const entry: string[] = [];
  for (let at = from; at < to;) {
    if (to === Number.POSITIVE_INFINITY && isEnd(reader, at)) break;
    const tag = reader.varint(at);
    const field = Math.floor(tag.value / 8);
    at = tag.next;
    switch (tag.value % 8) {
      case 0:
        at = reader.varint(at).next;
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      // Begin and end of a group, an old form: what is within is looked at as if it were beside.
      case 3:
      case 4:
        break;
      case 2: {
        const { value: length, next } = reader.varint(at);
        const inner = fields[field];
        if (inner === 'text') entry[field] = reader.text(next, next + Math.min(length, WINDOW));
        else if (inner !== undefined) walk(reader, inner as Kind, next, next + length, found, depth + 1);
        at = next + length;
        break;
      }
      default:
        throw new Damaged();
    }
  }
  if (kind === 'entry' && entry[1] === 'location') found.add(entry[2] ?? '');
}

function isEnd(reader: Reader, at: number): boolean {
  try {
    reader.byte(at);
    return false;
  } catch {
    return true;
  }
}
