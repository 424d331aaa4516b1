-- The server's settings, with where each comes from; what this session sets for itself shows its reset value.
SELECT s.name, CASE WHEN s.source = 'session' THEN s.reset_val ELSE s.setting END AS value, s.unit,
       s.source, s.boot_val AS boot_value, s.pending_restart
FROM pg_catalog.pg_settings s
ORDER BY s.name
