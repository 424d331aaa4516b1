-- Row security policies of the tables in scope: rows may stand and not be seen.
-- The expressions open their table, so they are left out where it is locked.
SELECT p.polrelid::bigint AS table_oid, p.polname::text AS name,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                     ELSE 'ALL' END AS command,
       p.polpermissive AS permissive,
       ARRAY(SELECT CASE WHEN r.oid = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r.oid)::text END
             FROM pg_catalog.unnest(p.polroles) AS r (oid)) AS roles,
       CASE WHEN p.polrelid <> ALL (%(locked)s::oid[])
            THEN pg_catalog.pg_get_expr(p.polqual, p.polrelid) END AS "using",
       CASE WHEN p.polrelid <> ALL (%(locked)s::oid[])
            THEN pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) END AS with_check
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid)
JOIN pg_catalog.pg_policy p ON p.polrelid = wanted.oid
ORDER BY p.polrelid, p.polname
