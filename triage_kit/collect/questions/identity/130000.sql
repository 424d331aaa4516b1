-- Which server, database and role answers, and how far its transactions and its WAL are.
-- Nothing here is refused to any role; what the control file says is asked apart, in control.
-- pg_current_snapshot() consumes no transaction id, unlike txid_current().
SELECT pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('server_version_num')::int AS version_num,
       pg_catalog.current_setting('cluster_name') AS cluster_name,
       d.datname::text AS database,
       d.oid::bigint AS database_oid,
       d.xmin::text::bigint AS database_xmin,
       current_user::text AS role,
       (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS superuser,
       ARRAY(SELECT m.rolname::text FROM pg_catalog.pg_roles m
             WHERE m.oid < 16384 AND m.rolname ^@ 'pg_' AND pg_catalog.pg_has_role(m.oid, 'MEMBER')
             ORDER BY m.rolname) AS memberships,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.host(pg_catalog.inet_server_addr()) AS address,
       pg_catalog.inet_server_port() AS port,
       pg_catalog.pg_postmaster_start_time() AS started_at,
       pg_catalog.clock_timestamp() AS asked_at,
       pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint AS next_xid,
       pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint AS oldest_xid,
       pg_catalog.current_setting('data_checksums')::boolean AS checksums,
       pg_catalog.current_setting('wal_level') AS wal_level,
       (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
             ELSE pg_catalog.pg_current_wal_insert_lsn() END)::text AS lsn,
       pg_catalog.current_setting('track_commit_timestamp')::boolean AS track_commit_timestamp
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
