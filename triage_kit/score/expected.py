"""What a perfect analyst would say of an incident in a view: the truth, and what the view cannot tell from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from triage_kit.lab.incidents.base import Incident
from triage_kit.schemas import parts

UNKNOWN = "unknown"
# What FACTS measured as indistinguishable: view -> true mechanism -> other mechanisms that look the same there. A word
# that stands here at all may also come out as `unknown`, and its table as `undecided`.
ALIKE: dict[str, dict[str, tuple[str, ...]]] = {
    # Counters and counted rows alone: "inserts − deletes ≠ rows" says TRUNCATE or rollback; a catalogue is not there.
    "stats_csv": {
        "truncate": ("rollback",),
        "rollback": ("truncate",),
        "recreate": ("none", "new_cluster", "restore", "drop", "unlogged_reset", "counters_reset"),
        "new_cluster": ("none", "recreate", "restore", "unlogged_reset", "counters_reset"),
        "restore": ("none", "recreate", "new_cluster", "counters_reset"),
        "unlogged_reset": ("none", "recreate", "new_cluster", "counters_reset"),
        "drop": (),
        "partition_drop": ("drop",),
        "hidden": (),
        "column_drop": ("none",),
        "update": (),
        "counters_reset": ("none",),
    },
    # Every counter is gone: what is left is the storage, and dead rows that nobody but pageinspect can tell apart.
    "crash": {
        "truncate": (),
        "delete": ("rollback", "cascade_delete", "none", "update"),
        "cascade_delete": ("rollback", "delete", "none", "update"),
        "rollback": ("delete", "cascade_delete", "none"),
        "recreate": ("none", "new_cluster"),
        "restore": ("none", "recreate"),
        "update": ("none",),
    },
}


@dataclass(frozen=True)
class Expected:
    """The truth of a table in a view, and every word that is right there."""

    status: str
    statuses: tuple[str, ...]
    mechanism: str
    mechanisms: tuple[str, ...]
    damaged: bool


DELETED = ("delete", "cascade_delete")


def _without_statement(wanted: Expected, reported: bool) -> Expected:
    """Counted deletes of which no statement was seen: in a table that nobody misses rows in they may be its trade."""
    if wanted.mechanism not in DELETED or wanted.status != "partial":
        return wanted
    statuses = ("undecided",) if reported else ("undecided", "intact")
    mechanisms = () if reported else (*DELETED, "none", UNKNOWN)
    return replace(
        wanted,
        statuses=tuple(dict.fromkeys((*wanted.statuses, *statuses))),
        mechanisms=tuple(dict.fromkeys((*wanted.mechanisms, *mechanisms))),
    )


def _reported(incident: Incident) -> set[str]:
    """Qualified names of the tables that people name; a bare name means every table of that name."""
    named = {parts(name) for name in incident.reported}
    return {name for name in incident.truth["tables"] if parts(name) in named or ("", parts(name)[1]) in named}


@dataclass(frozen=True)
class ExpectedCause:
    """A true cause with the tables that it struck; ``tables`` is empty where nothing is lost."""

    cause: str
    causes: tuple[str, ...]
    tables: tuple[str, ...]


def tables_expected(incident: Incident, view: str, rows: Mapping[str, int]) -> dict[str, Expected]:
    """By qualified name. ``rows`` stand there now: an emptied table with new rows is partial, whatever it was."""
    other = (incident.views.get(view) or {}).get("tables", {})
    tables = {name: told for name, told in {**incident.truth["tables"], **other}.items() if told is not None}
    untellable = (incident.views.get(view) or {}).get("untellable", {})
    found = {name: _expected(name, told, view, rows, untellable.get(name)) for name, told in tables.items()}
    logged = view == "everything" or incident.settings.get("log_statement") in ("mod", "all")
    return (
        found
        if logged
        else {name: _without_statement(each, name in _reported(incident)) for name, each in found.items()}
    )


def _expected(
    name: str, told: dict, view: str, rows: Mapping[str, int], untellable: tuple[str, ...] | None
) -> Expected:
    status, mechanism = told["status"], told["mechanism"]
    if status == "wiped" and rows.get(".".join(parts(name)), 0) > 0:
        status = "partial"
    alike = ALIKE.get(view, {}).get(mechanism) if untellable is None else untellable
    mechanisms = (mechanism, *told.get("accepts", ()))  # words that mean the same here, in every view
    statuses = (status, *told.get("statuses", ()))
    if alike is not None:
        mechanisms = tuple(dict.fromkeys((*mechanisms, *alike, UNKNOWN)))
        statuses = tuple(dict.fromkeys((*statuses, "undecided", *(("intact",) if "none" in alike else ()))))
    return Expected(status, statuses, mechanism, mechanisms, status != "intact" or mechanism != "none")


def causes_expected(incident: Incident, view: str) -> list[ExpectedCause]:
    """Every true cause of the incident in this view; two where two things happened."""
    other = incident.views.get(view) or {}
    truth = {**incident.truth, **{key: other[key] for key in ("cause", "causes") if key in other}}
    tables = {**truth["tables"], **other.get("tables", {})}
    struck = tuple(name for name, told in tables.items() if told is not None and told["status"] != "intact")
    causes = truth.get("causes") or [{"cause": truth["cause"], "tables": struck}]
    untold = view == "stats_csv" or "untellable" in other
    return [ExpectedCause(each["cause"], _words(each, untold), tuple(each["tables"])) for each in causes]


def _words(told: dict, untold: bool) -> tuple[str, ...]:
    """The cause, and `unknown` where nothing that the view may read speaks of anybody's doing."""
    words = (told["cause"], *told.get("accepts", ()))
    return (*words, UNKNOWN) if untold else words
