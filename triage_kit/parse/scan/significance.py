"""Which entries of a big log are kept: everything but ordinary traffic that can take nothing away."""

from __future__ import annotations

import re

from triage_kit.parse.entry import Entry

ORDINARY = frozenset(("statement", "duration", "connection", "disconnection"))
SERIOUS = frozenset(("NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"))
# Words of triage_kit.sql.suspicious, besides those that tell of staging tables and of applied migrations.
COSTLY = (
    "delete", "truncate", "drop", "merge", "alter", "detach", "do", "call", "execute", "copy", "vacuum", "cluster",
    "refresh", "policy", "rule", "create",
)  # fmt: skip
NAMES = (
    r"session_replication_role|pg_stat\w*_reset|alembic_version|schema_migrations|flyway_|django_migrations|_prisma_"
)
WORDS = rf"\b(?:{'|'.join(COSTLY)})\b|{NAMES}"
_WORDS = re.compile(rf"(?i){WORDS}")
_UPDATE = re.compile(r"(?i)\bupdate\b")
_WHERE = re.compile(r"(?i)\bwhere\b")
_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = re.compile(r"(?i)\s*(?:insert|update)\b")
_BODY = re.compile(r"\$(?!\d)")
_PLAIN = re.compile(r"""['"$]|--|/\*""")


def significant(entry: Entry) -> bool:
    """Whether an entry is more than ordinary traffic: an error, a message of the server, or a statement that may cost.

    >>> significant(Entry(1, 0, kind="statement", statement="UPDATE a SET b = 1 WHERE c = 2"))
    False
    """
    if entry.severity in SERIOUS or entry.kind not in ORDINARY:
        return True
    return costly(entry.statement or entry.message)


def costly(text: str) -> bool:
    """Whether a statement may take rows, columns or sight of them away; an UPDATE only without a WHERE of its own.

    >>> costly("UPDATE a SET b = 'where'"), costly("insert into a values ('delete-button clicked')")
    (True, False)
    """
    bare = _TOKENS.sub(" ", text) if _WRITES.match(text) and _PLAIN.search(text) else text
    if _WORDS.search(bare):
        return True
    if not _UPDATE.search(bare):
        return False
    # A text that is no INSERT or UPDATE may hide its WHERE in a literal, or its UPDATE in a function's body.
    return not _WHERE.search(_TOKENS.sub(" ", bare)) or (_BODY.search(bare) is not None and not _WRITES.match(bare))
