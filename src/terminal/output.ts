/** As much of a stream as output needs; a terminal says so, and how wide it is. */
export type Output = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns' | 'rows' | 'once'>;
