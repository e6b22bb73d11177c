/** What each kind of `model` of a tokenizer.json comes to. */
export interface TokenizeModel {
  tokenize: (piece: string) => number[];
  ids: ReadonlyMap<string, number>;
  unknownId: number | undefined;
}
