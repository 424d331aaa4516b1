-- Tables, partitioned and foreign tables, views and materialized views in scope as pg_class has them now.
-- A bound holds no column, so pg_get_expr with relation 0 opens nothing; view texts, which lock, are asked apart.
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'm' THEN 'materialized_view'
                      WHEN 'f' THEN 'foreign_table' ELSE 'view' END AS kind,
       CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END AS persistence,
       c.relfilenode::bigint AS filenode, c.xmin::text::bigint AS xmin, c.relfrozenxid::text::bigint AS frozenxid,
       c.relpages AS pages, c.reltuples::float8 AS tuples, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security, c.relispartition AS is_partition,
       (SELECT i.inhparent::bigint FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
         AS parent_oid,
       pg_catalog.pg_get_expr(c.relpartbound, 0) AS partition_bound,
       nullif(c.reltoastrelid, 0)::bigint AS toast_oid, s.spcname::text AS tablespace, a.amname::text AS access_method,
       c.reloptions::text[] AS options,
       -- Whoever may connect may read an ACL; a missing one means the default, by which the owner has every privilege.
       ARRAY(SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END
             FROM pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) g
             WHERE g.privilege_type = 'DELETE' ORDER BY 1) AS deleters,
       ARRAY(SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END
             FROM pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) g
             WHERE g.privilege_type = 'TRUNCATE' ORDER BY 1) AS truncaters,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS readable
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_class c ON c.oid = wanted.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
ORDER BY n.nspname, c.relname
