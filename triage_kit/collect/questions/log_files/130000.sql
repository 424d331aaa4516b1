-- The files of the server's log directory; which one is written now is asked apart, it needs another privilege.
SELECT f.name, f.size AS bytes, f.modification AS modified_at, NULL::boolean AS current
FROM pg_catalog.pg_ls_logdir() f
ORDER BY f.modification, f.name
