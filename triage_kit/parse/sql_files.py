"""Migrations that are SQL files: order and direction from names and marker comments, operations from the SQL.

Markers: dbmate ``-- migrate:down``, goose ``-- +goose Down``, sql-migrate ``-- +migrate Down``. Names: ``x.down.sql``,
``x_down.sql``, ``down.sql``, Flyway's ``U2__x.sql``, sqitch's folder ``revert``. Liquibase's formatted SQL holds many
change sets, each a migration of its own.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePosixPath

from triage_kit.parse.migration import Migration, Operation
from triage_kit.sql import effects

# The marks of tools that are known, and a comment that says nothing but a direction: -- !Downs, -- //@UNDO, ---- DOWN.
_MARKER = re.compile(
    r"^[ \t]*--[ \t]*(?:migrate:|\+goose[ \t]+|\+migrate[ \t]+)(?P<known>up|down)\b|"
    r"^[ \t]*(?:--|#)[^\w\n]*(?:\w+[ :][^\w\n]*)?(?P<says>up|down|undo|rollback|create above / drop below)s?"
    r"(?:[ _-]?(?:migration|script|sql))?[^\w\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_DOWN_NAME = re.compile(r"(?i)(?:^|[._-])(?:down|undo|rollback|revert)\.sql\Z|\AU\d[\d._]*__")
_FLYWAY = re.compile(r"\A[VUR](\d[\d._]*)?__(.+)\Z")
_NUMBERED = re.compile(r"\A(\d[\d-]*)(?:[._-]+(.*))?\Z")
_DIRECTION = re.compile(r"(?i)(?:[._-]|\A)(?:up|down|undo|rollback|revert)\Z")
_PLAIN = frozenset(("migration", "up", "down"))


def read_sql_migration(text: str, path: str) -> Migration:
    """The migration in one SQL file; path, inside the repository, gives revision, title and direction.

    >>> found = read_sql_migration("-- migrate:up\\nCREATE TABLE a();\\n-- migrate:down\\nDROP TABLE a;", "db/3_a.sql")
    >>> found.revision, [(each.direction, each.operation, each.line) for each in found.operations]
    ('3', [('up', 'create_table', 2), ('down', 'drop_table', 4)])
    >>> read_sql_migration("", "migrations/2019-03-11-000000_roads/up.sql").revision  # as Diesel notes it
    '20190311000000'
    """
    name = PurePosixPath(path)
    tool, (revision, title) = tool_of(text, path), _named(name)
    found = Migration(tool, revision.replace("-", "") if tool == "diesel" else revision, (), title)
    for direction, part in _sections(text, _direction(name)):
        found.operations += [Operation.of(each, direction, each.line) for each in effects(part)]
    found.operations.sort(key=lambda each: each.line)
    return found


_MARKS = [
    ("dbmate", re.compile(r"(?im)^[ \t]*--[ \t]*migrate:(?:up|down)\b")),
    ("goose", re.compile(r"(?im)^[ \t]*--[ \t]*\+goose\b")),
    ("sql-migrate", re.compile(r"(?im)^[ \t]*--[ \t]*\+migrate\b")),
    ("sqitch", re.compile(r"(?m)\A\s*--[ \t]*(?:Deploy|Revert|Verify)[ \t]+\S+:")),
    ("drizzle", re.compile(r"-->[ \t]*statement-breakpoint")),
]
_PLACES = [
    ("flyway", re.compile(r"(?:\A|/)[VUR](?:\d[\d._]*)?__[^/]+\.sql\Z")),
    ("supabase", re.compile(r"(?:\A|/)supabase/migrations/")),
    ("prisma", re.compile(r"(?:\A|/)[^/]+/migration\.sql\Z")),
    ("diesel", re.compile(r"(?:\A|/)[^/]+/(?:up|down)\.sql\Z")),
    ("drizzle", re.compile(r"(?:\A|/)drizzle/(?:[^/]+/)*[^/]+\.sql\Z")),
    ("rails", re.compile(r"(?:\A|/)db/structure\.sql\Z")),
    ("golang-migrate", re.compile(r"(?:\A|/)\d+_[^/]+\.(?:up|down)\.sql\Z")),
    ("sqitch", re.compile(r"(?:\A|/)(?:deploy|revert)/[^/]+\.sql\Z")),
]


def tool_of(text: str, path: str) -> str:
    """The tool that a SQL migration belongs to, by its marker comments, else its place; sql where neither tells.

    >>> tool_of("", "supabase/migrations/2024_a.sql"), tool_of("-- +goose Up", "a.sql"), tool_of("", "a.sql")
    ('supabase', 'goose', 'sql')
    """
    by_text = (tool for tool, mark in _MARKS if mark.search(text))
    by_place = (tool for tool, place in _PLACES if place.search(path))
    return next(by_text, None) or next(by_place, "sql")


_CHANGESET = re.compile(r"(?im)^[ \t]*--[ \t]*changeset[ \t]+(?P<author>[^:\n]+):(?P<id>\S+)[^\n]*$")
_ROLLBACK = re.compile(r"(?im)^[ \t]*--[ \t]*rollback\b[ \t]*(?P<sql>[^\n]*)$")


def is_formatted(text: str) -> bool:
    """Whether the text is Liquibase's formatted SQL."""
    return re.match(r"(?i)\s*--[ \t]*liquibase[ \t]+formatted[ \t]+sql", text) is not None


def read_formatted(text: str, path: str) -> list[Migration]:
    """The change sets of Liquibase's formatted SQL, each with its rollback lines as the way down.

    >>> text = "--liquibase formatted sql\\n--changeset sam:1\\nDROP TABLE a;\\n--rollback CREATE TABLE a();"
    >>> [(e.direction, e.operation, e.line) for m in read_formatted(text, "c.sql") for e in m.operations]
    [('up', 'drop_table', 3), ('down', 'create_table', 4)]
    """
    marks = list(_CHANGESET.finditer(text))
    found: list[Migration] = []
    parents: tuple[str, ...] = ()
    for mark, after in zip(marks, [*(each.start() for each in marks[1:]), len(text)], strict=True):
        revision = f"{mark['author'].strip()} {mark['id']}"
        one = Migration("liquibase", revision, parents, PurePosixPath(path).stem.replace("_", " "))
        first, part = text.count("\n", 0, mark.start()), text[mark.start() : after]
        one.operations = [Operation.of(each, "up", first + each.line) for each in effects(part)]
        for back in _ROLLBACK.finditer(part):
            line = first + part.count("\n", 0, back.start()) + 1
            one.operations += [Operation.of(each, "down", line) for each in effects(back["sql"])]
        found.append(one)
        parents = (revision,)
    return found


_SHARP = re.compile(r"(?m)^#(?=[^\w\n]*\w+[^\w\n]*$)")  # no comment of SQL, but of Play's evolutions


def _markers(text: str) -> list[tuple[int, str]]:
    """Where each part begins, and its direction; a comment of one word counts beside one of the other direction."""
    found = list(_MARKER.finditer(text))
    said = {each["says"].lower(): each[0] for each in found if each["says"]}
    sure = "up" in said or any("below" in word or "@" in comment for word, comment in said.items())
    return [
        (each.start(), "up" if (each["known"] or each["says"]).lower() == "up" else "down")
        for each in found
        if each["known"] or sure
    ]


def marked(text: str) -> bool:
    """Whether a marker comment of a migration tool is in the text."""
    return bool(_markers(text))


def _direction(name: PurePosixPath) -> str:
    return "down" if _DOWN_NAME.search(name.name) or "revert" in name.parts[:-1] else "up"


def _named(name: PurePosixPath) -> tuple[str, str | None]:
    stem = _DIRECTION.sub("", name.stem)
    if stem.lower() in _PLAIN or not stem:  # Prisma and Diesel: the folder carries the name
        stem = name.parent.name
    if found := _FLYWAY.match(stem):
        return found[1] or stem, found[2].replace("_", " ")
    if found := _NUMBERED.match(stem):
        return found[1].rstrip("-"), (found[2] or "").replace("_", " ") or None
    return stem, stem.replace("_", " ")


def _sections(text: str, default: str) -> list[tuple[str, str]]:
    """The text once for each direction, with the other's part blanked so that lines keep their numbers."""
    markers = _markers(text)
    text = _SHARP.sub(" ", text) if markers else text
    if not markers:
        return [(default, text)]
    parts: dict[str, list[str]] = {}
    bounds = [(0, default), *markers, (len(text), "")]
    for (start, direction), (end, _) in pairwise(bounds):
        parts.setdefault(direction, [])
        for name in {*parts, direction}:
            pieces = parts[name]
            if not pieces:
                pieces.append("\n" * text.count("\n", 0, start))
            pieces.append(text[start:end] if name == direction else "\n" * text.count("\n", start, end))
    return [(direction, "".join(pieces)) for direction, pieces in parts.items()]
