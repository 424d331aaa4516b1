-- Which statements ran, normalised, with the rows they touched: rolled-back ones are counted, failed ones absent.
-- Variants follow the extension's version (10800 is 1.8), which may be older than its server's.
-- 1.9 says when the counting began.
SELECT s.queryid::text AS query_id, d.datname::text AS database, s.dbid::bigint AS database_oid,
       pg_catalog.pg_get_userbyid(s.userid)::text AS role, pg_catalog.left(s.query, 20000) AS text,
       s.calls, s.rows, s.total_exec_time::float8 AS total_ms, NULL::timestamptz AS since,
       (SELECT i.stats_reset FROM {schema}.pg_stat_statements_info i) AS counters_since
FROM {schema}.pg_stat_statements s
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
ORDER BY s.calls DESC, s.queryid
