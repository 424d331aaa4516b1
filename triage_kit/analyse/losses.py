"""What has to come back, and the shape of one way back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group

if TYPE_CHECKING:
    from triage_kit.analyse.declared import Part

HARMLESS_PATH = re.compile(r"[\w./@:+ -]+")
FAR = pd.Timestamp.max.tz_localize("UTC")


@dataclass(frozen=True)
class Loss:
    """The damage of all groups: tables by name, rows, and the earliest transaction and time that are known.

    ``missing`` are the rows that each table lacks (None: not known), ``notes`` damaged tables of migration tools, which
    no way back fills, ``parts`` the keys, numbering, indexes and triggers that went with the rows.
    """

    mechanisms: frozenset[str]
    tables: tuple[str, ...]
    rows: int
    dead: int
    target_xid: int | None
    before: pd.Timestamp | None
    until: pd.Timestamp | None = None
    groups: tuple[Group, ...] = ()
    missing: Mapping[str, int | None] = field(default_factory=dict)
    found: Mapping[str, dict] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def gain(self, name: str, held: int | None) -> int | None:
        """How many of the rows that a copy holds of a table come back: no more than are missing or than do not stand.

        Where nobody knows how many are missing, what stands is taken to be among what the copy holds.

        >>> row = {"status": "partial", "actual_rows": 560, "old_rows_left": None}
        >>> known = Loss(frozenset(), ("s.a",), 0, 0, None, None, missing={"s.a": None}, found={"s.a": row})
        >>> known.gain("s.a", 640), known.gain("s.b", 640)
        (80, 640)
        """
        missing, row = self.missing.get(name), self.found.get(name, {})
        if held is None or missing is not None:
            return held if held is None or missing is None else min(held, missing)
        stand = row.get("old_rows_left") if row.get("old_rows_left") is not None else row.get("actual_rows")
        return max(held - (stand or 0), 0) if row.get("status") == "partial" else held

    def renewed(self) -> tuple[str, ...]:
        """Damaged tables in which other rows stand than before, perhaps under the same keys: newer ones, or older.

        >>> row = {"status": "partial", "mechanism": "truncate", "actual_rows": 7, "old_rows_left": 0}
        >>> lost = Loss(frozenset(), ("s.a", "s.b"), 0, 0, None, None, found={"s.a": row, "s.b": {}})
        >>> lost.renewed()
        ('s.a',)
        """
        return tuple(
            name
            for name, row in ((name, self.found.get(name, {})) for name in self.tables)
            if row.get("status") == "partial"
            and row.get("actual_rows") != 0
            and (row.get("old_rows_left") == 0 or row.get("mechanism") == "restore")
        )

    def of(self, *mechanisms: str) -> tuple[str, ...]:
        """The damaged tables of some mechanisms."""
        return tuple(name for name in self.tables if self.found.get(name, {}).get("mechanism") in mechanisms)


def loss(groups: Sequence[Group], findings: Sequence[dict], dates: Mapping[str, dict]) -> Loss:
    """Sum up the damage of all groups; the target is the earliest of them."""
    damaged = tuple(dict.fromkeys(name for group in groups for name in group.damaged))
    spans = [dates.get(group.name, {}) for group in groups]
    starts = [span["lost_from"] for span in spans if span.get("lost_from") is not None]
    ends = [span["lost_to"] for span in spans if span.get("lost_to") is not None]
    # Going back before the first of several losses brings all of them back; before the biggest one may not.
    first_hit = min(
        (group for group in groups if group.xid is not None),
        key=lambda group: (dates.get(group.name, {}).get("lost_from") or FAR, group.xid or 0),
        default=None,
    )
    by_name = {schemas.qualified(row["schema"], row["table"]): row for row in findings}
    return Loss(
        frozenset(group.mechanism for group in groups),
        damaged,
        sum(row["missing_rows"] or 0 for row in findings if row["kind"] != "partitioned"),
        sum(row.get("_dead") or 0 for row in findings if row["status"] in ("partial", "wiped")),
        first_hit.xid if first_hit else None,
        min(starts) if starts else None,
        min(ends) if ends else None,
        tuple(groups),
        {name: by_name[name]["missing_rows"] for name in damaged if name in by_name},
        {name: by_name[name] for name in damaged if name in by_name},
    )


def way(
    name: str,
    feasible: bool | None,
    lost: Loss,
    why: str,
    brings_not: str,
    effort: str,
    commands: tuple[str, ...] = (),
    **more: object,
) -> dict:
    """A row of ``recovery``; ``feasible`` is None where the evidence does not tell.

    What cannot be done has no commands to paste and no time to do it by.
    """
    if feasible is False:
        commands, more = (), {key: value for key, value in more.items() if key not in ("clock", "deadline")}
    return {
        "option": name,
        "feasible": feasible,
        "tables": more.pop("tables", lost.tables),
        "why": why,
        "brings_not": brings_not,
        "effort": effort,
        "commands": commands,
        **more,
    }


def relations_of(evidence: Mapping[str, pd.DataFrame]) -> dict[str, dict]:
    """Rows of ``relations`` by their qualified name."""
    return {schemas.qualified(row["schema"], row["name"]): row for row in rows(evidence["relations"])}


def data_directory(evidence: Mapping[str, pd.DataFrame]) -> str:
    """The server's data directory as a word of its host's shell; a variable where the server did not tell it."""
    settings = evidence["settings"]
    told = settings.loc[settings["name"] == "data_directory", "value"].dropna()
    return shlex.quote(told.iloc[0]) if len(told) and HARMLESS_PATH.fullmatch(told.iloc[0]) else '"${PGDATA:?}"'


def written(name: str) -> str:
    """A qualified name as SQL must write it."""
    return sql.quote_qualified(*schemas.parts(name))


def literal(text: str) -> str:
    """A text as a literal of SQL, whatever standard_conforming_strings says.

    >>> literal("it's")
    "'it''s'"
    """
    doubled = text.replace("'", "''")
    return "E'" + doubled.replace("\\", "\\\\") + "'" if "\\" in text else f"'{doubled}'"


def remarked(name: str) -> str:
    """A name as a remark among commands may hold it: what follows a line break would be run when it is pasted.

    >>> remarked("s.orders"), remarked("s.out\\nrm -r .")
    ('s.orders', 's.out�rm -r .')
    """
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)


def pattern(name: str) -> str:
    """A table as an argument of pg_dump's --table, which takes patterns: everything in double quotes is itself.

    >>> print(pattern("shop.orders"))
    '"shop"."orders"'
    """
    return shlex.quote(".".join('"' + part.replace('"', '""') + '"' for part in schemas.parts(name) if part))


def moment(at: pd.Timestamp) -> str:
    """An instant as PostgreSQL and every tool reads it.

    >>> moment(pd.Timestamp("2025-10-08T10:37:29Z"))
    '2025-10-08 10:37:29.000000+00'
    """
    return at.tz_convert("UTC").strftime("%Y-%m-%d %H:%M:%S.%f+00")
