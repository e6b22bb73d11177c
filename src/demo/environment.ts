/** The demo's own configuration, as whoever goes on with its server sets it. */

/** The search that the sample's application has today: words of the query, or the query to the letter. */
const LEGACY_SEARCH = `SELECT id FROM articles, websearch_to_tsquery('english', $1) AS query
  WHERE status <> 'draft' AND (to_tsvector('english', concat_ws(' ', title, body)) @@ query OR title ILIKE '%'||$1||'%' OR body ILIKE '%'||$1||'%')
  ORDER BY ts_rank(to_tsvector('english', concat_ws(' ', title, body)), query) DESC, id LIMIT $2`;

/** @param models the folder of the trained model */
export function demoEnvironment(url: string, models: string): Record<string, string> {
  return {
    DATABASE_URL: url,
    QUEUE_URL: url,
    BACKFILL_TABLE: 'articles',
    BACKFILL_TEXT: 'title,body',
    BACKFILL_WHERE: "status <> 'draft'",
    BACKFILL_MODEL_NAME: 'trained-on-the-table',
    BACKFILL_MODEL_LOCAL_PATH: models,
    BACKFILL_MODEL_QUANTIZED: 'false',
    BACKFILL_BATCH_ROWS: '100',
    BACKFILL_LEGACY_SEARCH: LEGACY_SEARCH,
  };
}
