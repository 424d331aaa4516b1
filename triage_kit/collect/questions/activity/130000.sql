-- Who is connected and what they do now: an open transaction may still hold deletes that no counter shows.
SELECT a.pid, a.datname::text AS database, a.usename::text AS role, a.application_name AS application,
       pg_catalog.host(a.client_addr) AS client, a.backend_type AS kind, a.backend_start AS started_at,
       a.xact_start AS transaction_at, a.query_start AS query_at, a.state, a.state_change AS state_at,
       nullif(pg_catalog.concat_ws(': ', a.wait_event_type, a.wait_event), '') AS wait,
       a.backend_xid::text::bigint AS xid, a.backend_xmin::text::bigint AS xmin,
       pg_catalog.left(a.query, 20000) AS query
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.pid
