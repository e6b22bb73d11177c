-- Words of ours as this database can hold them: in an encoding that lacks a character of them, a question mark stands for
-- it. They come as bytes of UTF-8, because a text is refused before any statement sees it.
CREATE FUNCTION pgvector_backfill.words(utf8 bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held text := '';
  place integer := 1;
  first integer;
  bytes integer;
BEGIN
  BEGIN
    RETURN convert_from(utf8, 'UTF8');
  EXCEPTION WHEN untranslatable_character THEN
    NULL;
  END;
  WHILE place <= length(utf8) LOOP
    first := get_byte(utf8, place - 1);
    bytes := CASE WHEN first < 192 THEN 1 WHEN first < 224 THEN 2 WHEN first < 240 THEN 3 ELSE 4 END;
    BEGIN
      held := held || convert_from(substring(utf8 FROM place FOR bytes), 'UTF8');
    EXCEPTION WHEN untranslatable_character THEN
      held := held || '?';
    END;
    place := place + bytes;
  END LOOP;
  RETURN held;
END $$;
