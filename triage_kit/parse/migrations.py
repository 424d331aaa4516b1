"""One door to migration files of any tool: told by the text and the place of the file, read without running it."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from pathlib import PurePosixPath

from triage_kit.parse.alembic import is_alembic, read_alembic
from triage_kit.parse.django import is_django, read_django
from triage_kit.parse.dsl import read_dsl, tool_of
from triage_kit.parse.liquibase import is_liquibase, read_liquibase
from triage_kit.parse.liquibase_yaml import is_liquibase_yaml, read_liquibase_yaml
from triage_kit.parse.migration import Migration
from triage_kit.parse.python_sql import is_python_sql, read_python_sql
from triage_kit.parse.sql_files import is_formatted, marked, read_formatted, read_sql_migration

_FOLDER = re.compile(
    r"(?i)(?:^|[._-])(?:migrations?|migrate|versions|changelogs?|schema_migrations|drizzle)$|^(?:deploy|revert)$"
)
_NAME = re.compile(r"(?:\.(?:up|down)\.sql|(?:\A|/)[VUR]\d[\d._]*__[^/]*\.sql|(?:\A|/)db/structure\.sql)\Z")
SUFFIXES = (
    ".py",
    ".sql",
    ".rb",
    ".js",
    ".ts",
    ".cjs",
    ".mjs",
    ".php",
    ".cs",
    ".exs",
    ".go",
    ".rs",
    ".swift",
    ".xml",
    ".yaml",
    ".yml",
)
# Their migrations say of themselves what they are, wherever they lie.
_ANYWHERE = frozenset((".rb", ".go", ".cs", ".rs", ".swift"))


def read_migrations(text: str, path: str, zone: tzinfo = UTC, chosen: bool = False) -> list[Migration]:
    """The migrations in one file, none for any other file; chosen says that its folder was named as one of migrations.

    Raises SyntaxError or ValueError when the file is of a migration tool and cannot be read.

    >>> [each.tool for each in read_migrations("DROP TABLE a;", "db/migrations/V2__drop.sql")]
    ['flyway']
    """
    found = _read(text.removeprefix("\ufeff").replace("\r\n", "\n"), path, zone, chosen)
    for each in found:
        each.spare_what_it_made()
    return found


def _read(text: str, path: str, zone: tzinfo, chosen: bool) -> list[Migration]:
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        return _python(text, path, zone)
    if suffix == ".xml":
        return read_liquibase(text, path) if is_liquibase(text) else []
    if suffix in (".yaml", ".yml"):
        return read_liquibase_yaml(text, path) if is_liquibase_yaml(text) else []
    in_folder = chosen or any(map(_FOLDER.search, path.split("/")[:-1]))
    if suffix == ".sql":
        if is_formatted(text):
            return read_formatted(text, path)
        return [read_sql_migration(text, path)] if in_folder or _NAME.search(path) or marked(text) else []
    if suffix == ".go" and "goose." not in text and "gormigrate." not in text:
        return []
    tool = tool_of(text) if in_folder or suffix in _ANYWHERE else None
    return [read_dsl(text, path, tool)] if tool else []


def _python(text: str, path: str, zone: tzinfo) -> list[Migration]:
    if is_alembic(text):
        found = read_alembic(text, zone)
    elif is_django(text):
        found = read_django(text, path)
    elif is_python_sql(text):
        return [read_python_sql(text, path)]
    else:
        return []
    return [found] if found is not None else []
