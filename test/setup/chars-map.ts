/** A precompiled map of characters as a tokenizer.json has it: a double-array trie and the replacements. */

/** Base64. `map`: what each string is replaced by. */
export function charsMap(map: Record<string, string>): string {
  const replacements: number[] = [];
  type Node = { children: Map<number, Node>; value?: number };
  const root: Node = { children: new Map() };
  for (const [key, value] of Object.entries(map)) {
    let node = root;
    for (const byte of Buffer.from(key)) {
      const next: Node = node.children.get(byte) ?? { children: new Map() };
      node.children.set(byte, next);
      node = next;
    }
    node.value = replacements.length;
    replacements.push(...Buffer.from(value), 0);
  }
  const units: number[] = [];
  const taken = new Set([0]);
  // Children of the unit at a place are at that place, xor its offset, xor their byte; a value is at byte 0.
  const place = (node: Node, at: number, label: number): void => {
    const bytes = [...node.children.keys(), ...(node.value === undefined ? [] : [0])];
    let offset = 1;
    while (bytes.some((byte) => taken.has(at ^ offset ^ byte))) offset++;
    for (const byte of bytes) taken.add(at ^ offset ^ byte);
    units[at] = ((offset << 10) | (node.value === undefined ? 0 : 0x100) | label) >>> 0;
    if (node.value !== undefined) units[at ^ offset] = (0x80000000 | node.value) >>> 0;
    for (const [byte, child] of node.children) place(child, at ^ offset ^ byte, byte);
  };
  place(root, 0, 0);
  const bytes = Buffer.alloc(4 + units.length * 4);
  bytes.writeUInt32LE(units.length * 4, 0);
  for (const at of units.keys()) bytes.writeUInt32LE(units[at] ?? 0, 4 + at * 4);
  return Buffer.concat([bytes, Buffer.from(replacements)]).toString('base64');
}
