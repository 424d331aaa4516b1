-- What must be known of each table before its rows may be counted; its size is measured anew, it may have changed
-- since the storage was asked for. code is a function that planning a query over the table would run as this role:
-- constant calls in index expressions, predicates and extended statistics are folded.
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table", c.relkind::text AS relkind,
       c.relispopulated AS populated, c.relpersistence::text AS persistence, a.amname::text AS access_method,
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS readable,
       pg_catalog.row_security_active(c.oid) AS filtered,
       CASE WHEN c.relkind IN ('r', 'm') AND c.oid <> ALL (%(locked)s::oid[])
            THEN pg_catalog.pg_relation_size(c.oid, 'main') END AS bytes,
       (SELECT pg_catalog.format('%%s.%%I, which belongs to role %%s', p.pronamespace::regnamespace, p.proname,
                                 pg_catalog.pg_get_userbyid(p.proowner))
        FROM (SELECT 'pg_catalog.pg_class'::regclass AS classid, i.indexrelid AS objid FROM pg_catalog.pg_index i
              WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
              UNION ALL
              SELECT 'pg_catalog.pg_statistic_ext'::regclass, s.oid FROM pg_catalog.pg_statistic_ext s
              WHERE s.stxrelid = c.oid) AS x
        JOIN pg_catalog.pg_depend d ON d.classid = x.classid AND d.objid = x.objid
        LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
        JOIN pg_catalog.pg_proc p
          ON p.oid = CASE WHEN d.refclassid = 'pg_catalog.pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('internal', 'c')
        JOIN pg_catalog.pg_roles r ON r.oid = p.proowner AND NOT r.rolsuper AND r.rolname <> current_user
        ORDER BY p.oid LIMIT 1) AS code
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_class c ON c.oid = wanted.oid AND c.relkind IN ('r', 'p', 'f', 'm')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
ORDER BY n.nspname, c.relname
