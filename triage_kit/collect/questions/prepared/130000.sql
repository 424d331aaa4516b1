-- Prepared transactions: they hold locks and uncommitted rows, and survive a restart.
SELECT p.transaction::text::bigint AS xid, p.gid AS name, p.prepared AS prepared_at, p.owner::text AS owner,
       p.database::text AS database
FROM pg_catalog.pg_prepared_xacts p
ORDER BY p.prepared
