/** Exit codes of every verb; the last lines of `--help` say what they mean. */
export const EXIT = { done: 0, failed: 1, usage: 2, gate: 3, interrupted: 130 } as const;
