-- The columns of the tables in scope, dropped ones included: their rows in pg_attribute say which transaction did it.
SELECT a.attrelid::bigint AS table_oid, a.attnum AS position, a.attname::text AS name,
       CASE WHEN NOT a.attisdropped THEN pg_catalog.format_type(a.atttypid, a.atttypmod) END AS type,
       a.attnotnull AS not_null, a.attisdropped AS dropped, a.xmin::text::bigint AS xmin
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = wanted.oid AND a.attnum > 0
ORDER BY a.attrelid, a.attnum
