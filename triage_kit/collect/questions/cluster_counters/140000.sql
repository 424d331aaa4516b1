-- When the cluster's counters began: a crash sets them together.
-- 14 adds pg_stat_wal.
SELECT b.stats_reset AS bgwriter_reset, a.stats_reset AS archiver_reset, w.stats_reset AS wal_reset,
       b.checkpoints_timed, b.checkpoints_req AS checkpoints_requested
FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_wal w
