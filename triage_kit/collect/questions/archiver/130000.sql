-- What of the WAL was archived and what failed: how far a point-in-time recovery can reach.
SELECT a.archived_count AS archived, a.last_archived_wal AS last_archived, a.last_archived_time AS last_archived_at,
       a.failed_count AS failed, a.last_failed_wal AS last_failed, a.last_failed_time AS last_failed_at,
       a.stats_reset AS reset_at
FROM pg_catalog.pg_stat_archiver a
