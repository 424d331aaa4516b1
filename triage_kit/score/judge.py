"""The conclusions of one view beside the truth: a record for every table and every cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from triage_kit.analyse.investigation import Investigation
from triage_kit.errors import LabError
from triage_kit.lab.incidents.base import Incident
from triage_kit.schemas import parts
from triage_kit.score.expected import Expected, causes_expected, tables_expected


@dataclass(frozen=True)
class Record:
    """One conclusion judged.

    ``level`` is status, mechanism or cause; ``said`` got probability ``p``; ``accepted`` holds the words that count as
    right, more than one where the view cannot tell them apart. ``damaged`` tells tables that something befell from the
    rest. ``brier`` sums over all words. ``complete``: everything said leads to an evidence row with a source.
    """

    incident: str
    holdout: bool
    major: int
    view: str
    level: str
    unit: str
    truth: str
    accepted: tuple[str, ...]
    said: str
    p: float
    right: bool
    in_three: bool
    brier: float
    damaged: bool
    complete: bool


def judge(incident: Incident, major: int, view: str, rows: Mapping[str, int], found: Investigation) -> list[dict]:
    """Records of every level, as dicts that JSON knows."""
    _check(incident, view, rows)
    sourced = {row.id for row in found.evidence.itertuples() if isinstance(row.source, str) and row.source}
    head = {"incident": incident.name, "holdout": incident.holdout, "major": major, "view": view}
    expected = tables_expected(incident, view, rows)
    records = [*_tables(head, expected, found, sourced), *_causes(head, incident, view, found, sourced)]
    return [asdict(record) for record in records]


def _check(incident: Incident, view: str, rows: Mapping[str, int]) -> None:
    """A truth that the server contradicts would judge everybody wrongly."""
    if view not in ("everything", "restart"):
        return
    for name, told in incident.truth["tables"].items():
        seen = rows.get(".".join(parts(name)))
        if told["rows"] is not None and seen != told["rows"]:
            raise LabError(f"the truth of {incident.name} says {told['rows']} rows in {name}, the server has {seen}")


def _tables(head: dict, expected: Mapping[str, Expected], found: Investigation, sourced: set[str]) -> Iterable[Record]:
    seen = {(row["schema"], row["table"]): row for row in found.findings.to_dict("records")}
    chances: dict[tuple[str, str], dict[str, float]] = {}
    for row in found.mechanism_probabilities.itertuples():
        chances.setdefault((row.schema, row.table), {})[row.mechanism] = float(row.probability)
    for name, wanted in expected.items():
        row = seen.get(parts(name))
        if row is None:
            yield from _absent(head, name, wanted)
            continue
        complete = _resolves(row["because"], sourced)
        sure = 0.0 if pd.isna(row["status_probability"]) else float(row["status_probability"])
        right = row["status"] in wanted.statuses
        yield Record(
            **head, level="status", unit=name, truth=wanted.status, accepted=wanted.statuses, said=row["status"],
            p=sure, right=right, in_three=right, brier=(sure - right) ** 2, damaged=wanted.damaged, complete=complete,
        )  # fmt: skip
        yield _ranked(
            head, "mechanism", name, wanted.mechanism, wanted.mechanisms, chances[parts(name)], wanted.damaged, complete
        )


def _absent(head: dict, name: str, wanted: Expected) -> Iterable[Record]:
    """A table of which the findings say nothing: wrong without any confidence."""
    for level, truth, accepted in (
        ("status", wanted.status, wanted.statuses),
        ("mechanism", wanted.mechanism, wanted.mechanisms),
    ):
        yield Record(
            **head, level=level, unit=name, truth=truth, accepted=accepted, said="(not listed)", p=0.0, right=False,
            in_three=False, brier=1.0, damaged=wanted.damaged, complete=True,
        )  # fmt: skip


def _causes(head: dict, incident: Incident, view: str, found: Investigation, sourced: set[str]) -> Iterable[Record]:
    groups: dict[str, dict[str, float]] = {}
    members: dict[str, set[tuple[str, str]]] = {}
    proofs: dict[str, tuple[str, ...]] = {}
    for row in found.causes.sort_values("probability", ascending=False, kind="stable").to_dict("records"):
        groups.setdefault(row["group"], {})[row["cause"]] = float(row["probability"])
        members.setdefault(row["group"], {parts(name) for name in row["tables"]})
        proofs.setdefault(row["group"], tuple(row["for"]))
    for number, wanted in enumerate(causes_expected(incident, view), 1):
        tables = {parts(name) for name in wanted.tables}
        best = max(
            groups, key=lambda group: (len(members[group] & tables), -len(members[group] - tables)), default=None
        )
        if best is None or (tables and members[best] and not members[best] & tables):
            chances, complete = {}, True
        else:
            chances, complete = groups[best], _resolves(proofs[best], sourced)
        yield _ranked(head, "cause", f"C{number}", wanted.cause, wanted.causes, chances, True, complete)


def _ranked(
    head: dict,
    level: str,
    unit: str,
    truth: str,
    accepted: tuple[str, ...],
    chances: Mapping[str, float],
    damaged: bool,
    complete: bool,
) -> Record:
    order = sorted(chances, key=lambda word: (-chances[word], word))
    said = order[0] if order else "(not listed)"
    # Words that the view cannot tell apart are one class; to say any of them is right.
    together = sum(p for word, p in chances.items() if word in accepted)
    others = sum(p * p for word, p in chances.items() if word not in accepted)
    right = said in accepted
    return Record(
        **head, level=level, unit=unit, truth=truth, accepted=accepted, said=said, p=chances.get(said, 0.0),
        right=right, in_three=any(word in accepted for word in order[:3]), brier=(1 - together) ** 2 + others,
        damaged=damaged, complete=complete,
    )  # fmt: skip


def _resolves(references: Iterable[str], sourced: set[str]) -> bool:
    references = list(references)
    return bool(references) and all(reference in sourced for reference in references)
