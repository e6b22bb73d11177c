/** One value for all who share a key: made for the first of them, ended with the last. */

export class SharedResource<K extends object, V> {
  readonly #held = new WeakMap<K, { value: V; users: number }>();
  readonly #make: (key: K) => V;
  readonly #end: (value: V) => void;

  constructor(make: (key: K) => V, end: (value: V) => void = () => {}) {
    this.#make = make;
    this.#end = end;
  }

  /** Undefined where nobody has it. */
  get(key: K): V | undefined {
    return this.#held.get(key)?.value;
  }

  /** Releasing it twice is no fault of anybody's. */
  take(key: K): { value: V; release: () => void } {
    const held = this.#held.get(key) ?? { value: this.#make(key), users: 0 };
    this.#held.set(key, held);
    held.users++;
    let isHeld = true;
    return {
      value: held.value,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        held.users--;
        if (held.users > 0) return;
        this.#held.delete(key);
        this.#end(held.value);
      },
    };
  }
}
