-- The sequences in scope and the columns that own them; their values are read apart, from the sequence itself:
-- pg_sequences.last_value takes ROW EXCLUSIVE, a SELECT takes ACCESS SHARE.
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name, d.refobjid::bigint AS table_oid,
       a.attname::text AS "column", NULL::bigint AS last_value, s.seqstart AS start_value, s.seqincrement AS increment,
       c.relfilenode::bigint AS filenode, c.xmin::text::bigint AS xmin,
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
         AS readable
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid AND c.relnamespace = ANY (%(namespaces)s::oid[])
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d
       ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
ORDER BY n.nspname, c.relname
