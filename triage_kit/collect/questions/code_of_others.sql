-- A function of somebody else that planning a query over table c would run as this role, or NULL.
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
        ORDER BY p.oid LIMIT 1)
