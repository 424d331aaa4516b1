-- The roles of the cluster and what they are members of: who could have done it, and who sees past row security.
SELECT r.oid::bigint AS oid, r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS superuser,
       r.rolbypassrls AS bypasses_row_security, r.rolcreatedb AS creates_databases, r.rolcreaterole AS creates_roles,
       r.rolreplication AS replication,
       ARRAY(SELECT pg_catalog.pg_get_userbyid(m.roleid)::text FROM pg_catalog.pg_auth_members m
             WHERE m.member = r.oid ORDER BY 1) AS member_of
FROM pg_catalog.pg_roles r
ORDER BY r.rolname
