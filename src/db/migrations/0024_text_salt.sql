-- Hashes of texts are made with a salt of their own for each set of vectors, which nobody else may read: whoever sees a hash
-- cannot try out whether it is that of a text. What is staged already has been hashed without.
CREATE TABLE pgvector_backfill.text_salt (
  backfill    text NOT NULL,
  fingerprint text NOT NULL,
  salt        text NOT NULL,
  PRIMARY KEY (backfill, fingerprint)
);
INSERT INTO pgvector_backfill.text_salt (backfill, fingerprint, salt)
SELECT DISTINCT backfill, fingerprint, '' FROM pgvector_backfill.run;
