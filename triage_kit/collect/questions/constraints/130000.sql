-- Keys, foreign keys, checks and exclusions of the tables in scope.
-- The text of a check or an exclusion opens its table, so it is left out where the table is locked.
SELECT k.oid::bigint AS oid, k.conname::text AS name,
       CASE k.contype WHEN 'p' THEN 'primary_key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign_key'
                      WHEN 'c' THEN 'check' ELSE 'exclusion' END AS kind,
       k.conrelid::bigint AS table_oid, nullif(k.confrelid, 0)::bigint AS referenced_oid,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS p (number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.number
             ORDER BY p.place) AS columns,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS p (number, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.number
             ORDER BY p.place) AS referenced_columns,
       CASE WHEN k.contype = 'f' THEN
         CASE k.confdeltype WHEN 'a' THEN 'no_action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                            WHEN 'n' THEN 'set_null' ELSE 'set_default' END END AS on_delete,
       CASE WHEN k.contype = 'f' THEN
         CASE k.confupdtype WHEN 'a' THEN 'no_action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                            WHEN 'n' THEN 'set_null' ELSE 'set_default' END END AS on_update,
       k.condeferrable AS deferrable, k.convalidated AS validated, nullif(k.conparentid, 0)::bigint AS parent_oid,
       k.xmin::text::bigint AS xmin,
       CASE WHEN k.contype NOT IN ('c', 'x') OR k.conrelid <> ALL (%(locked)s::oid[])
            THEN pg_catalog.pg_get_constraintdef(k.oid) END AS definition
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_constraint k ON k.conrelid = wanted.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY k.conrelid, k.conname
