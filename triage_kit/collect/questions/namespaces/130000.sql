-- The schemas of the database that are not the system's, in scope or not: a recreated one has a new OID and no USAGE.
SELECT n.oid::bigint AS oid, n.nspname::text AS name, pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner,
       n.xmin::text::bigint AS xmin, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_(toast|temp_|toast_temp_|catalog)' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
