"""Lines of the repository that could have lost data: what each reaches in this database, and whether it ran.

A statement that was seen proves a line only by its text; the same operation on the same table is a likeness. A version
table proves a migration. Where nothing would have shown the line, nothing is concluded from its absence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import networkx as nx
import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.applied import migration_states
from triage_kit.analyse.built_names import fitting
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.foreign_keys import delete_reach, truncate_reach
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import answered
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import COLUMN_ONLY, DESTRUCTIVE, Seen, wording

MOST_LINES = 200  # of files to review; the table ``suspects`` has them all
_WORDS = {
    "rows": "removes rows",
    "columns": "removes or changes columns, no rows by itself",
    "values": "overwrites values",
    "visibility": "hides or moves rows",
    "storage": "writes storage anew, so that nothing old is left to read",
    "suspect": "text that is built at run time or that no grammar reads: what it does cannot be told from the file",
}
_RANKS = {word: rank for rank, word in enumerate(("rows", "suspect", "visibility", "columns", "values", "storage"))}


@dataclass(frozen=True)
class Scene:
    """What the lines are held against."""

    groups: Sequence[Group]
    reach: nx.MultiDiGraph
    seen: Sequence[Seen]
    visible: Visibility


def suspects(evidence: Mapping[str, pd.DataFrame], scene: Scene) -> pd.DataFrame:
    """Table ``suspects``: every line of migrations and other code that could lose something, without evidence ids."""
    states = {
        (row["path"], row["revision"]): row
        for row in rows(
            migration_states(evidence["migrations"], evidence["version_tables"], answered(evidence, "version_tables"))
        )
    }
    names = _Names(scene.reach, _renamed(evidence["migration_operations"], states))
    changes = {(row["path"], row["line"]): row for row in rows(evidence["last_changes"])}
    texts = {wording(each.text) for each in scene.seen if each.outcome != "failed"}
    found = []
    for row in rows(evidence["migration_operations"]):
        if loses := sql.lost_by(row):
            ran = _applied(states.get((row["path"], row["revision"]), {}), row["direction"])
            found.append(_line(row | {"vehicle": "migration", "loses": loses}, ran, names, scene))
    for row in rows(evidence["code_hits"]):
        line = _line(row, ("unknown", None, None), names, scene)
        line["ran"], line["ran_at"], line["ran_because"] = _ran(row, line["tables"], texts, scene)
        found.append(line)
    about = first(evidence["incident"])
    damaged = len({name for group in scene.groups for name in group.damaged})
    for line in found:
        own = changes.get((line["path"], line["line"]))
        line |= _changed(own or changes.get((line["path"], None)), about)
        line["changed"] = None if line.get("commit") is None else "line" if own else "file"
        line["of"] = damaged
    return schemas.frame("suspects", found)


def _line(row: dict, ran: tuple, names: _Names, scene: Scene) -> dict:
    reached = _reached(row, names, scene.reach)
    groups = [group for group in scene.groups if set(group.tables) & reached]
    return {
        **{key: row[key] for key in ("path", "line", "vehicle", "operation", "object", "loses", "text")},
        "tables": tuple(sorted(reached)),
        "damaged": tuple(sorted(reached & {name for group in groups for name in group.damaged})),
        "groups": tuple(group.name for group in groups),
        "ran": ran[0],
        "ran_at": ran[1],
        "ran_because": ran[2],
    }


def _reached(row: dict, names: _Names, reach: nx.MultiDiGraph) -> set[str]:
    """Tables of this database that a line names, with those that its cascade follows."""
    named = names.of(row["object"], row["operation"])
    if not named and row.get("kind") == "orm":
        named = names.of_model(row["object"] or "", row["path"])
    if row["operation"] == "truncate":
        return truncate_reach(reach, named) if row["cascade"] else named
    return delete_reach(reach, named) if row["operation"] == "delete" else named


class _Names:
    """Tables of this database by the names that code gives them: qualified, bare, or as an ORM's class."""

    def __init__(self, tables: Iterable[str], renamed: Mapping[str, str] = MappingProxyType({})) -> None:
        self.full, self.renamed = set(tables), renamed
        self.short: dict[str, list[str]] = {}
        for name in self.full:
            self.short.setdefault(schemas.parts(name)[1].lower(), []).append(name)

    def of(self, written: str | None, operation: str) -> set[str]:
        """The tables that a line means; what it calls by a name that is none any more is looked for under the later."""
        found = self._of(written, operation)
        for _ in range(_MOST_NAMES):
            if found or not written or written not in self.renamed:
                break
            written = self.renamed[written]
            found = self._of(written, operation)
        return found

    def of_model(self, model: str, path: str) -> set[str]:
        """The table of a model whose package stands before its name, as Django calls it: that of the file, or the only.

        Django documentation, Options.db_table: the label of the application, an underscore and the class in small
        letters.
        """
        ends = tuple(f"_{spelling}" for spelling in _as_table(model)) if model else ()
        meant = [bare for bare in self.short if ends and bare.endswith(ends)]
        beside = [bare for bare in meant if bare.partition("_")[0] in path.lower().split("/")]
        told = beside if len(beside) == 1 else meant
        return set(self.short[told[0]]) if len(told) == 1 and len(self.short[told[0]]) == 1 else set()

    def _of(self, written: str | None, operation: str) -> set[str]:
        if not written:
            return set()
        if operation == "drop_schema":
            return {name for name in self.full if schemas.parts(name)[0] == written}
        parts = written.split(".")
        if operation in ("drop_column", "alter_column_type") and len(parts) > 1:
            inner = self.of(".".join(parts[:-1]), "")
            return inner or self.of(written, "")
        if len(parts) > 1 and (name := schemas.qualified(parts[-2], parts[-1])) in self.full:
            return {name}
        if len(parts) > 1:
            return set()
        for spelling in _as_table(written):
            if len(known := self.short.get(spelling, [])) == 1:
                return set(known)
        meant = [name for bare in fitting(written.lower(), self.short) for name in self.short[bare]]
        return set(meant) if len(meant) == 1 else set()


def _renamed(operations: pd.DataFrame, states: Mapping[tuple, dict]) -> dict[str, str]:
    """Tables that migrations renamed or moved, those left out that did not run: old name to new."""
    return {
        row["object"]: row["renamed"]
        for row in rows(operations)
        if row["renamed"] and row["object"] and row["direction"] != "down"
        and states.get((row["path"], row["revision"]), {}).get("state") != "pending"
    }  # fmt: skip


_MOST_NAMES = 10  # of one table, one after the other


def _as_table(name: str) -> list[str]:
    """A name and what ORMs make of a class of this name.

    >>> _as_table("OrderLine")
    ['orderline', 'order_line', 'orderlines', 'order_lines']
    >>> _as_table("Category")[-1], _as_table("Address")[-1], _as_table("Person")[-1]
    ('categories', 'addresses', 'people')
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    plural = next((re.sub(end, many, snake) for end, many in _PLURALS if re.search(end, snake)), f"{snake}s")
    return list(dict.fromkeys((name.lower(), snake, f"{name.lower()}s", f"{snake}s", plural)))


_PLURALS = [
    (r"person\Z", "people"),
    (r"child\Z", "children"),
    (r"(?<=[^aeiou])y\Z", "ies"),
    (r"(?<=[sxz])\Z|(?<=[cs]h)\Z", "es"),
]


def _applied(state: dict, direction: str | None) -> tuple[str, pd.Timestamp | None, str | None]:
    if direction == "down":
        return "unknown", None, "a downgrade leaves no row in a version table"
    if state.get("state") == "applied":
        return "applied", state["applied_at"], f"the version table holds {state['revision']}, or one that builds on it"
    if state.get("state") == "pending":
        return "not_applied", None, f"the version table does not hold {state['revision']}"
    return "unknown", None, "no version table of its tool was read"


def _ran(row: dict, tables: Sequence[str], texts: set[str], scene: Scene) -> tuple[str, pd.Timestamp | None, str]:
    written = wording(row["text"] or "")
    same = [each for each in scene.seen if written in texts and wording(each.text) == written
            and each.outcome != "failed"]  # fmt: skip
    if same:
        return "ran", same[0].at, f"this statement was seen: {same[0].where}"
    named = set(tables)
    alike = [each for each in scene.seen if each.operation == row["operation"] and each.table in named]
    failed = [each for each in alike if each.outcome == "failed"]
    if alike and len(failed) < len(alike):
        like = next(each for each in alike if each.outcome != "failed")
        return "similar", like.at, f"the same operation on {like.table} was seen: {like.where}"
    # What fails is in every log, what a routine does in none: the failure of another text says nothing of it.
    if failed and not in_routine(row):
        return "failed", failed[0].at, f"the same operation on {failed[0].table} failed: {failed[0].where}"
    shown = row["loses"] != "suspect" and row["kind"] == "sql" and not in_routine(row)
    if scene.visible.statements and shown:
        return "not_seen", None, scene.visible.why
    return "unknown", None, scene.visible.why


def in_routine(row: Mapping) -> bool:
    """Whether a line of ``code_hits`` stands in the body of a routine, whose statements no log shows."""
    return row["name"] is not None and str(row["path"]).endswith((".sql", ".psql"))


def _changed(change: dict | None, about: Mapping) -> dict:
    if change is None:
        return {}
    at, start = change["committed_at"], about.get("window_start")
    end = about.get("window_end") or about.get("noticed_at")
    inside = None if start is None or at is None else bool(start <= at and (end is None or at <= end))
    return {"changed_by": change["author"], "changed_at": at, "commit": change["sha"], "in_window": inside}


def review(lines: pd.DataFrame, operations: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Table ``review``: the suspect lines, those first that ran and remove rows of damaged tables.

    Of a migration's downgrade one line stands for all: it undoes what its upgrade made.
    """
    down = {(row["path"], row["line"]) for row in rows(operations) if row["direction"] == "down"}
    up = {(row["path"], row["line"]) for row in rows(operations) if row["direction"] != "down"}
    found, undone = [], set()
    for row in rows(lines):
        place = (row["path"], row["line"])
        back = "downgrade" in (row["ran_because"] or "")  # of an operation that runs both ways too
        undoes = row["vehicle"] == "migration" and (place in down - up or back)
        if undoes and row["path"] in undone:
            continue
        if undoes:
            undone.add(row["path"])
        found.append((_rank(row, undoes), row, _why(row, undoes)))
    ranked = []
    for _, row, why in sorted(found, key=lambda each: each[0])[:MOST_LINES]:
        said = ledger.add("repository", why, f"{row['path']}:{row['line']}")
        ranked.append({"path": row["path"], "line": row["line"], "why": why, "evidence": said})
    return schemas.frame("review", ranked)


def _rank(row: dict, undoes: bool) -> tuple:
    everyday = row["vehicle"] == "application" and row["loses"] in ("rows", "values") and not row["damaged"]
    spared = row["ran"] in ("not_applied", "not_seen", "failed")
    proven = row["ran"] in ("ran", "applied", "similar") and bool(row["damaged"])
    kind = 0 if row["operation"] in DESTRUCTIVE else 1
    return (undoes, not proven, spared, everyday, _RANKS[row["loses"]], not row["damaged"], kind,
            row["vehicle"] == "test_run", row["path"], row["line"] or 0)  # fmt: skip


def _why(row: dict, undoes: bool) -> str:
    what = f"{row['operation']} {row['object'] or ''}".strip()
    if " cascade" in f" {(row['text'] or '').lower()}" and row["operation"] != "dynamic":
        what += " CASCADE"
    if undoes:
        return f"{what}: the first line of a downgrade, which removes what this migration made"
    says = _WORDS[row["loses"]]
    if row["operation"] == "drop_type":
        says = f"costs {COLUMN_ONLY.removeprefix('no rows: ')}, and no rows"
    elif row["damaged"]:
        named = f"a damaged table ({', '.join(row['damaged'][:4])})"
        says += f" of {named}" if row["loses"] == "rows" else f"; touches {named}"
    facts = [row["vehicle"].replace("_", " ") if row["vehicle"] != "migration" else "", _RAN.get(row["ran"], "")]
    if row["changed_at"] is not None:
        part = row["changed"] or "file"
        facts.append(
            f"{part} last changed {row['changed_at']:%Y-%m-%d %H:%M} UTC by {row['changed_by']}, {row['commit'][:10]}"
        )
    return "; ".join([f"{what}: {says}", *filter(None, facts)])


_RAN = {
    "ran": "it ran: the statement was seen",
    "applied": "it was applied",
    "similar": "a statement like it was seen",
    "failed": "a statement like it failed",
    "not_applied": "it was not applied",
    "not_seen": "it was not seen, and would have been",
}
