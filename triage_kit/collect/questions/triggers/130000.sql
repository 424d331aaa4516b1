-- Triggers of the tables in scope that no foreign key made, with their functions, and the event triggers.
-- tgtype is a bit set: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead of (pg_trigger.h).
SELECT t.tgrelid::bigint AS table_oid, t.tgname::text AS name,
       CASE t.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                        ELSE 'always' END AS enabled,
       CASE WHEN t.tgtype & 64 <> 0 THEN 'instead of' WHEN t.tgtype & 2 <> 0 THEN 'before' ELSE 'after' END
         || CASE WHEN t.tgtype & 1 <> 0 THEN ' row' ELSE ' statement' END AS timing,
       ARRAY(SELECT e.name FROM (VALUES (4, 'insert'), (8, 'delete'), (16, 'update'), (32, 'truncate')) AS e (bit, name)
             WHERE t.tgtype & e.bit <> 0) AS events,
       n.nspname::text || '.' || p.proname::text AS function, pg_catalog.left(p.prosrc, 20000) AS function_body,
       t.xmin::text::bigint AS xmin
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid AND c.relnamespace = ANY (%(namespaces)s::oid[])
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal
UNION ALL
SELECT NULL, e.evtname::text,
       CASE e.evtenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END,
       'event', ARRAY[e.evtevent::text], n.nspname::text || '.' || p.proname::text,
       pg_catalog.left(p.prosrc, 20000), e.xmin::text::bigint
FROM pg_catalog.pg_event_trigger e
JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
ORDER BY 1, 2
