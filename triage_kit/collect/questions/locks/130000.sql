-- Locks on relations of this database that are stronger than ROW EXCLUSIVE, held or awaited.
SELECT l.relation::bigint AS oid,
       CASE l.mode WHEN 'ShareUpdateExclusiveLock' THEN 'SHARE UPDATE EXCLUSIVE' WHEN 'ShareLock' THEN 'SHARE'
                   WHEN 'ShareRowExclusiveLock' THEN 'SHARE ROW EXCLUSIVE' WHEN 'ExclusiveLock' THEN 'EXCLUSIVE'
                   ELSE 'ACCESS EXCLUSIVE' END AS mode,
       l.pid, l.granted, NULL::timestamptz AS waiting_since
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
WHERE l.locktype = 'relation'
  AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
ORDER BY l.relation, l.pid
