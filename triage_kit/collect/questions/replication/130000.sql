-- Standbys, slots, publications, subscriptions, origins and the WAL receiver: other places where rows may still stand,
-- or from where the loss came. Connection strings are not asked for.
WITH here AS (
  SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
              ELSE pg_catalog.pg_current_wal_insert_lsn() END AS lsn
)
SELECT 'standby' AS kind, r.application_name AS name, r.state, r.application_name AS application,
       pg_catalog.host(r.client_addr) AS client, r.replay_lsn::text AS lsn,
       pg_catalog.pg_wal_lsn_diff(here.lsn, r.replay_lsn)::bigint AS lag_bytes,
       'sync ' || r.sync_state AS detail
FROM pg_catalog.pg_stat_replication r, here
UNION ALL
SELECT 'slot', s.slot_name::text, CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL, NULL,
       s.restart_lsn::text, pg_catalog.pg_wal_lsn_diff(here.lsn, s.restart_lsn)::bigint,
       pg_catalog.concat_ws(' ', s.slot_type, s.plugin::text, s.database::text)
FROM pg_catalog.pg_replication_slots s, here
UNION ALL
SELECT 'publication', p.pubname::text, NULL, NULL, NULL, NULL, NULL,
       pg_catalog.concat_ws(', ', CASE WHEN p.puballtables THEN 'all tables' END, CASE WHEN p.pubinsert THEN 'insert' END,
                            CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
                            CASE WHEN p.pubtruncate THEN 'truncate' END)
FROM pg_catalog.pg_publication p
UNION ALL
SELECT 'subscription', s.subname::text, CASE WHEN s.subenabled THEN 'enabled' ELSE 'disabled' END, NULL, NULL, NULL,
       NULL, 'publications ' || pg_catalog.array_to_string(s.subpublications, ', ')
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'origin', o.roname, NULL, NULL, NULL, NULL, NULL, 'origin ' || o.roident::text
FROM pg_catalog.pg_replication_origin o
UNION ALL
SELECT 'receiver', r.slot_name, r.status, NULL, r.sender_host, r.flushed_lsn::text,
       pg_catalog.pg_wal_lsn_diff(r.flushed_lsn, here.lsn)::bigint, 'timeline ' || r.received_tli::text
FROM pg_catalog.pg_stat_wal_receiver r, here
ORDER BY 1, 2
