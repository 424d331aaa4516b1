-- Which tables of migration tools there are, in any schema, with the columns that they have.
-- Many tools let a project put a word of its own before the name (Yii's tablePrefix, Rails' table_name_prefix), so that
-- whatever ends in a name is told, and its columns decide.
-- plain are those of the system's own types: of others the cast to text may be a function of whoever made the type, as
-- code is one that planning a query over the table would run as this role.
SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS "table",
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
         AND NOT pg_catalog.row_security_active(c.oid) AS readable,
       CASE WHEN c.oid <> ALL (%(locked)s::oid[]) THEN pg_catalog.pg_relation_size(c.oid) END AS bytes,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid = 'pg_catalog.timestamptz'::regtype) AS instants,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid < 16384 ORDER BY a.attnum) AS plain,
       /* code_of_others.sql */ AS code
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
WHERE EXISTS (SELECT 1 FROM pg_catalog.unnest(%(names)s::text[]) AS w (name) WHERE c.relname = w.name
    OR pg_catalog.right(c.relname::text, pg_catalog.length(w.name) + 1) = '_' || w.name) AND c.relkind = 'r' AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname
