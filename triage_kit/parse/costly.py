"""Words without which no statement of a log can cost anything: what is passed by, and what of a long text is kept."""

from __future__ import annotations

# Words of triage_kit.sql.suspicious, besides those that tell of staging tables and of applied migrations.
COSTLY = (
    "delete", "truncate", "drop", "merge", "alter", "detach", "do", "call", "execute", "copy", "vacuum", "cluster",
    "refresh", "policy", "rule", "create",
)  # fmt: skip
NAMES = (
    r"session_replication_role|pg_stat\w*_reset|alembic_version|schema_migrations|flyway_|django_migrations|_prisma_"
)
# A text without any of them has none of NAMES.
PARTS_OF_NAMES = (
    "session_replication_role", "pg_stat", "alembic_version", "schema_migrations", "flyway_", "django_migrations",
    "_prisma_",
)  # fmt: skip
