-- The databases of the cluster: one that was dropped and made again has a new OID and xmin.
SELECT d.oid::bigint AS oid, d.datname::text AS name, pg_catalog.pg_get_userbyid(d.datdba)::text AS owner,
       d.xmin::text::bigint AS xmin, d.datallowconn AS allows_connections, d.datistemplate AS is_template
FROM pg_catalog.pg_database d
ORDER BY d.datname
