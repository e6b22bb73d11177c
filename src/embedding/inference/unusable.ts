/** A model that cannot be used whatever is done to its files, by name, with what to take instead. */

export class UnusableModel extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
