-- The WAL that is still there: rows that were deleted or truncated may be read from it until it is recycled.
SELECT f.name, f.size AS bytes, f.modification AS modified_at
FROM pg_catalog.pg_ls_waldir() f
ORDER BY f.name
