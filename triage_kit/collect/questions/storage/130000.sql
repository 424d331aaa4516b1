-- How large the files of each table are: TRUNCATE leaves a heap of 0, a primary key of one page and no free space map.
-- The size functions wait for ACCESS EXCLUSIVE, so a locked table is named and not measured.
SELECT c.oid::bigint AS oid,
       pg_catalog.pg_relation_size(o.oid, 'main') AS heap_bytes,
       pg_catalog.pg_relation_size(o.oid, 'fsm') AS fsm_bytes,
       pg_catalog.pg_relation_size(o.oid, 'vm') AS vm_bytes,
       CASE WHEN o.oid IS NOT NULL AND c.reltoastrelid <> 0
            THEN pg_catalog.pg_relation_size(c.reltoastrelid, 'main') END AS toast_bytes,
       pg_catalog.pg_indexes_size(o.oid) AS index_bytes,
       (SELECT pg_catalog.pg_relation_size(i.indexrelid, 'main') FROM pg_catalog.pg_index i
        WHERE i.indrelid = o.oid AND i.indisprimary) AS primary_key_bytes,
       pg_catalog.pg_relation_filepath(c.oid) AS path,
       CASE WHEN o.oid IS NULL THEN 'locked by ACCESS EXCLUSIVE' END AS skipped
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_class c ON c.oid = wanted.oid AND c.relkind IN ('r', 'm')
LEFT JOIN LATERAL (SELECT c.oid WHERE c.oid <> ALL (%(locked)s::oid[]) OFFSET 0) AS o ON true
ORDER BY c.oid
