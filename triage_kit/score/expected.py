"""What a perfect analyst would say of an incident in a view: the truth, and what the view cannot tell from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class ExpectedCause:
    """A true cause with the tables that it struck; ``tables`` is empty where nothing is lost."""

    cause: str
    causes: tuple[str, ...]
    tables: tuple[str, ...]


def tables_expected(incident: Incident, view: str, rows: Mapping[str, int]) -> dict[str, Expected]:
    """By qualified name. ``rows`` stand there now: an emptied table with new rows is partial, whatever it was."""
    other = (incident.views.get(view) or {}).get("tables", {})
    tables = {**incident.truth["tables"], **other}
    untellable = (incident.views.get(view) or {}).get("untellable", {})
    return {name: _expected(name, told, view, rows, untellable.get(name)) for name, told in tables.items()}


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
    struck = tuple(name for name, told in tables.items() if told["status"] != "intact")
    causes = truth.get("causes") or [{"cause": truth["cause"], "tables": struck}]
    return [ExpectedCause(each["cause"], _words(each, view), tuple(each["tables"])) for each in causes]


def _words(told: dict, view: str) -> tuple[str, ...]:
    """The cause, and `unknown` where nothing that the view may read speaks of anybody's doing."""
    untold = view == "stats_csv" or view in told.get("untellable", ())
    words = (told["cause"], *told.get("accepts", ()))
    return (*words, UNKNOWN) if untold else words
