"""Which migrations of the repository the database says it has run."""

from __future__ import annotations

import pandas as pd

from triage_kit.analyse.context import rows


def applied_revisions(migrations: pd.DataFrame, version_tables: pd.DataFrame) -> set[str]:
    """Revisions that a version table holds, with all that they build upon; empty when no version table was read.

    Alembic keeps only its heads, so their ancestors are followed through ``parents``; the tools that keep a row a
    migration need no walk.
    """
    parents = {row["revision"]: row["parents"] for row in rows(migrations)}
    waiting = [row["version"] for row in rows(version_tables) if row["version"] in parents]
    found: set[str] = set()
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found.add(revision)
            waiting += [parent for parent in parents.get(revision, ()) if parent in parents]
    return found
