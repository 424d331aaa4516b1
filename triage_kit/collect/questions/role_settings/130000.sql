-- Settings of roles and databases: a search_path, a row_security or a logging level that others do not have.
SELECT d.datname::text AS database, r.rolname::text AS role, s.setconfig::text[] AS settings
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
ORDER BY 1, 2
