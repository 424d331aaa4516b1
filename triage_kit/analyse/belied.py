"""Lines of the repository that what stands belies: a TRUNCATE that would have left other tables or sequences so.

No log is asked: the catalogue keeps what a TRUNCATE did beside the rows, for whoever may connect. RESTART IDENTITY
gives each owned sequence new storage, and whoever names five tables in one statement empties all five (measured on
13 to 18). So a line is told from another that does the same to the table in question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from triage_kit import schemas
from triage_kit.analyse.actors import matching
from triage_kit.analyse.built_names import HOLE
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.groups import SUBTRANSACTIONS, Group
from triage_kit.analyse.inquiry import Inquiry

_RESTARTS = re.compile(r"(?i)\brestart\s+identity\b")
_TRUNCATES = re.compile(r"(?i)\btruncate\b")


def begun_anew(group: Group, inquiry: Inquiry) -> list[str] | None:
    """Sequences of the roots that the transaction of a TRUNCATE began anew; None where the roots own none.

    One that has had new storage for longer was begun anew by an earlier one.
    """
    tables = [inquiry.tables[name] for name in group.roots if name in inquiry.tables]
    owned = [(table, each) for table in tables for each in table.sequences if each["filenode"]]
    if not owned:
        return None
    return [each["name"] for table, each in owned if each["filenode"] != each["oid"] and _of_now(table, each, inquiry)]


def _of_now(table: Dossier, sequence: Mapping, inquiry: Inquiry) -> bool:
    own, of_table = sequence.get("xmin"), table.relation["xmin"]
    if own is None or of_table is None:
        return True
    full = inquiry.scene.clock.full
    return full(int(own)) >= full(int(of_table)) - SUBTRANSACTIONS


def restarts(row: Mapping) -> bool:
    """Whether a line's text says RESTART IDENTITY."""
    return bool(_RESTARTS.search(row["text"] or ""))


def belied(lines: Sequence[Mapping], group: Group, inquiry: Inquiry) -> set[tuple[str, int]]:
    """Places among lines of code or migrations whose statement cannot be the one that emptied the group."""
    if group.mechanism == "delete":
        return _with_where(lines, group, inquiry)
    if group.mechanism != "truncate":
        return set()
    begun = begun_anew(group, inquiry)
    truncating = [row for row in lines if row["operation"] == "truncate"]
    found = {(row["path"], row["line"]) for row in truncating if begun is not None and _otherwise(row, bool(begun))}
    return found | _of_standing(truncating, inquiry)


def _with_where(lines: Sequence[Mapping], group: Group, inquiry: Inquiry) -> set[tuple[str, int]]:
    """Places of a DELETE with a WHERE on a table that one without was seen to take rows of."""
    seen = [each for each in matching(group, inquiry) if each.operation == "delete" and each.bounded is False]
    whole = {schemas.parts(each.table)[1] for each in seen if each.rows and each.table in group.roots}
    return {
        (row["path"], row["line"]) for row in lines
        if row["operation"] == "delete" and row["bounded"] and row["how"] in ("parsed", "tokens")
        and schemas.parts(row["object"] or "")[1] in whole
    }  # fmt: skip


def _otherwise(row: Mapping, begun: bool) -> bool:
    """Whether SQL that is written out would have left the sequences in the other state."""
    text = row["text"] or ""
    written = row.get("kind", "sql") == "sql" and row["how"] in ("parsed", "tokens")  # an ORM's own SQL is not known
    if not written or not _TRUNCATES.search(text) or HOLE in text:
        return False
    return restarts(row) != begun


def _of_standing(truncating: Sequence[Mapping], inquiry: Inquiry) -> set[tuple[str, int]]:
    """Places that also name a table which still has the storage that it was made with."""
    reached = {} if inquiry.suspects is None else {
        (row["path"], row["line"], row["object"]): row["tables"]
        for row in rows(inquiry.suspects) if row["operation"] == "truncate"
    }  # fmt: skip
    standing = {name for name, table in inquiry.tables.items() if table.replaced is False and not table.then}
    return {
        (row["path"], row["line"]) for row in truncating
        if standing & set(reached.get((row["path"], row["line"], row["object"]), ()))
    }  # fmt: skip
