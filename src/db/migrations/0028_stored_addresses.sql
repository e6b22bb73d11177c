-- Addresses of models and hubs as they were stored by earlier releases, without the users and keys in them.
UPDATE pgvector_backfill.backfill
   SET settings = settings || (
     SELECT jsonb_object_agg(e.key, to_jsonb(regexp_replace(regexp_replace(e.value #>> '{}', '://[^/?#]*@', '://'), '[?#].*$', '')))
       FROM jsonb_each(settings) e WHERE e.key IN ('modelEndpoint', 'modelHub') AND jsonb_typeof(e.value) = 'string')
 WHERE settings ->> 'modelEndpoint' ~ '@|[?#]' OR settings ->> 'modelHub' ~ '@|[?#]';
