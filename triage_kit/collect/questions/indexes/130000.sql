-- The indexes of the tables in scope: names keep the table's old name after a swap, size and pages keep a VACUUM apart.
SELECT c.oid::bigint AS oid, i.indrelid::bigint AS table_oid, c.relname::text AS name, i.indisprimary AS "primary",
       i.indisunique AS "unique", i.indisvalid AS valid, c.relfilenode::bigint AS filenode,
       c.xmin::text::bigint AS xmin, c.relpages AS pages, c.reltuples::float8 AS tuples,
       CASE WHEN i.indrelid <> ALL (%(locked)s::oid[]) THEN pg_catalog.pg_relation_size(c.oid, 'main') END AS bytes
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_index i ON i.indrelid = wanted.oid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
ORDER BY i.indrelid, c.relname
