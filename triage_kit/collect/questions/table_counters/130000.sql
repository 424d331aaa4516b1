-- What was inserted, updated and deleted in each table since the counters began, rolled-back work included.
SELECT s.relid::bigint AS oid, s.schemaname::text AS schema, s.relname::text AS "table",
       s.n_tup_ins AS inserts, s.n_tup_upd AS updates, s.n_tup_del AS deletes, s.n_tup_hot_upd AS hot_updates,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS changed_since_analyze,
       s.n_ins_since_vacuum AS inserted_since_vacuum, s.seq_scan AS sequential_scans, s.idx_scan AS index_scans,
       s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze,
       s.vacuum_count AS vacuums, s.autovacuum_count AS autovacuums,
       s.analyze_count AS analyzes, s.autoanalyze_count AS autoanalyzes
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_stat_all_tables s ON s.relid = wanted.oid
ORDER BY s.relid
