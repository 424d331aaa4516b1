-- When the first file of each table was last written: of a table that is still empty, the second of its TRUNCATE.
SELECT c.oid::bigint AS oid, f.path, s.size AS bytes, s.modification AS modified_at, s.change AS changed_at,
       s.access AS accessed_at
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_class c ON c.oid = wanted.oid AND c.relkind IN ('r', 'm')
CROSS JOIN LATERAL pg_catalog.pg_relation_filepath(c.oid) AS f (path)
CROSS JOIN LATERAL pg_catalog.pg_stat_file(f.path, true) AS s
WHERE s.size IS NOT NULL
ORDER BY c.oid
