-- When the transactions committed that last wrote the catalogue rows in scope; frozen ones are older than any record.
WITH written AS (
  SELECT c.xmin FROM pg_catalog.pg_class c WHERE c.relnamespace = ANY (%(namespaces)s::oid[])
  UNION
  SELECT a.xmin FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relnamespace = ANY (%(namespaces)s::oid[])
  WHERE a.attisdropped
  UNION
  SELECT n.xmin FROM pg_catalog.pg_namespace n WHERE n.oid = ANY (%(namespaces)s::oid[])
  UNION
  SELECT d.xmin FROM pg_catalog.pg_database d
)
SELECT w.xmin::text::bigint AS xid, pg_catalog.pg_xact_commit_timestamp(w.xmin) AS committed_at, NULL::bigint AS origin
FROM written w
WHERE w.xmin::text::bigint > 2 AND pg_catalog.pg_xact_commit_timestamp(w.xmin) IS NOT NULL
ORDER BY 2, 1
