-- When the cluster's counters began: a crash sets them together.
-- 17 moves the checkpoints to pg_stat_checkpointer.
SELECT b.stats_reset AS bgwriter_reset, a.stats_reset AS archiver_reset, w.stats_reset AS wal_reset,
       c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_requested
FROM pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_wal w,
     pg_catalog.pg_stat_checkpointer c
