-- What must be known of each table before its rows may be counted; its size is measured anew, it may have changed
-- since the storage was asked for. code is a function that planning a query over the table would run as this role:
-- constant calls in index expressions, predicates and extended statistics are folded.
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table", c.relkind::text AS relkind,
       c.relispopulated AS populated, c.relpersistence::text AS persistence, a.amname::text AS access_method,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS readable,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable, c.relpages AS pages,
       pg_catalog.row_security_active(c.oid) AS filtered,
       CASE WHEN c.relkind IN ('r', 'm') AND c.oid <> ALL (%(locked)s::oid[])
            THEN pg_catalog.pg_relation_size(c.oid, 'main') END AS bytes,
       /* code_of_others.sql */ AS code
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_class c ON c.oid = wanted.oid AND c.relkind IN ('r', 'p', 'f', 'm')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
ORDER BY n.nspname, c.relname
