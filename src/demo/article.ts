/** The shape of the sample table's rows. */

export type ArticleStatus = 'published' | 'draft' | 'archived';

/** One row of the sample table `articles`. */
export interface Article {
  id: bigint;
  title: string;
  /** Null and '' both occur, as they do in real tables. */
  body: string | null;
  status: ArticleStatus;
  updatedAt: Date;
}

/** A line of articles.jsonl; see `articles()` for what is filled in. */
export interface ArticleText {
  id: number;
  title: string;
  body: string | null;
  /** `published` where it is left out. */
  status?: ArticleStatus;
}

/** One search with the articles that would help whoever typed it. */
export interface JudgedQuery {
  text: string;
  relevant: readonly bigint[];
}
