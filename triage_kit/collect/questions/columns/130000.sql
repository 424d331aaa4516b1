-- The columns of the tables in scope, dropped ones included: their rows in pg_attribute say which transaction did it.
-- Length, alignment and the type behind a domain are what reading a stored row takes, also where a column is dropped.
SELECT a.attrelid::bigint AS table_oid, a.attnum AS position, a.attname::text AS name,
       CASE WHEN NOT a.attisdropped THEN pg_catalog.format_type(a.atttypid, a.atttypmod) END AS type,
       a.attnotnull AS not_null, a.attisdropped AS dropped, a.xmin::text::bigint AS xmin,
       a.attlen AS length, a.attalign::text AS alignment,
       CASE WHEN b.typtype = 'e' THEN 'enum' WHEN b.typelem <> 0 AND b.typlen = -1 AND b.typcategory = 'A' THEN 'array'
            ELSE b.typname::text END AS base_type,
       CASE WHEN b.typtype = 'e' THEN ARRAY(SELECT e.oid::text || ':' || e.enumlabel FROM pg_catalog.pg_enum e
            WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder LIMIT 500) END AS labels,
       nullif(a.attgenerated::text, '') AS generated, (a.attmissingval::text::text[])[1] AS missing_value,
       a.atthasdef AS has_default
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = wanted.oid AND a.attnum > 0
LEFT JOIN LATERAL (
  WITH RECURSIVE behind (oid, step) AS (
    SELECT a.atttypid, 0
    UNION ALL
    SELECT t.typbasetype, step + 1 FROM behind JOIN pg_catalog.pg_type t ON t.oid = behind.oid
    WHERE t.typtype = 'd' AND step < 20)
  SELECT t.oid, t.typname, t.typtype, t.typelem, t.typlen, t.typcategory
  FROM behind JOIN pg_catalog.pg_type t ON t.oid = behind.oid ORDER BY step DESC LIMIT 1) AS b ON true
ORDER BY a.attrelid, a.attnum
