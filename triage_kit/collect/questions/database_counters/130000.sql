-- Commits, rollbacks and rows of every database, and since when they are counted.
SELECT s.datid::bigint AS oid, s.datname::text AS database, s.xact_commit AS commits, s.xact_rollback AS rollbacks,
       s.tup_inserted AS inserted, s.tup_updated AS updated, s.tup_deleted AS deleted, s.deadlocks,
       s.stats_reset AS reset_at
FROM pg_catalog.pg_stat_database s
WHERE s.datid <> 0
ORDER BY s.datid
