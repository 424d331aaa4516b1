"""What happened to the rows of each table: signals weighed by knowledge/mechanisms.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import knowledge
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation, decibans, likelihoods, posterior, start
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.lineage import runs
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.signals import observe

ANEW, SURE = ("recreate", "restore"), 0.7
# What says of a table that it may be younger than its name, but not so by itself.
MADE_LATE = {"beside_all", "beside_empty", "beside_used", "behind", "recent", "recent_together", "swapped_schema",
             "out_of_order", "unaccounted_late"}  # fmt: skip
OTHERWISE = 0.01  # judgement: that rows of a table whose files are damaged were removed by SQL as well


@dataclass(frozen=True)
class Weighed:
    """One table with what was observed of it and how probable each mechanism is."""

    table: Dossier
    seen: Mapping[str, Observation]
    probabilities: Mapping[str, float]

    @cached_property
    def mechanism(self) -> str:
        return max(self.probabilities, key=lambda word: self.probabilities[word])

    @cached_property
    def probability(self) -> float:
        return self.probabilities[self.mechanism]


def weigh(tables: Sequence[Dossier], scene: Scene, known: knowledge.Knowledge | None = None) -> list[Weighed]:
    """Probability of every mechanism for every table.

    An analyst may hand over knowledge of their own: ``dataclasses.replace(knowledge.mechanisms(), priors=…)``.
    """
    known = known or knowledge.mechanisms()
    rest = OTHERWISE / (len(known.priors) - 1)
    lost = {word: 1.0 - OTHERWISE if word == "unknown" else rest for word in known.priors}
    told: dict[tuple, dict[str, float]] = {}  # most tables of a big database look alike
    found = []
    for table in tables:
        seen = observe(table, scene)
        looks = tuple((name, observation.outcomes) for name, observation in seen.items())
        if looks not in told:
            told[looks] = posterior(known, seen)
        # Files that vanish under the server are none of the mechanisms, and what befell the rows before nobody can see.
        found.append(Weighed(table, seen, lost if table.damaged else told[looks]))
    # In an older state of the whole every table is as old as it was: which run made it says nothing.
    return found if scene.went_back else _with_shared_fate(found, known)


def _with_shared_fate(found: Sequence[Weighed], known: knowledge.Knowledge) -> list[Weighed]:
    """The same, with what one table that was surely made anew tells of those that were made in one run with it."""
    run, named = runs([each.table for each in found]), "made_with"
    sure: dict[int, Weighed] = {}
    for each in found:
        anew = sum(each.probabilities[word] for word in ANEW)
        if each.mechanism in ANEW and anew >= SURE and each.table.name in run:
            best = sure.setdefault(run[each.table.name], each)
            if each.probability > best.probability:
                sure[run[each.table.name]] = each
    told = []
    for each in found:
        other = sure.get(run.get(each.table.name, -1))
        late = {
            word for name in ("object_age", "gone_objects") if name in each.seen for word in each.seen[name].outcomes
        }
        if other is None or other is each or not late & MADE_LATE:
            told.append(each)
            continue
        says = f"made in one run with {other.table.name}, of which it holds that {known.titles[other.mechanism]}"
        seen = {**each.seen, named: Observation((other.mechanism,), says, "pg_attribute", each.table.name)}
        told.append(Weighed(each.table, seen, posterior(known, seen)))
    return told


def evidence_rows(weighed: Sequence[Weighed], ledger: Ledger) -> tuple[dict[str, tuple[str, ...]], pd.DataFrame]:
    """Enter what was observed of noteworthy tables into the ledger.

    Returns the evidence ids by table, those first that speak most for what is said of it, and table
    ``mechanism_evidence``: for each signal and mechanism how far it moved.
    """
    known = knowledge.mechanisms()
    because: dict[str, tuple[str, ...]] = {}
    found = []
    for each in weighed:
        ids: dict[str, float] = {}
        counted = ""
        if each.table.damaged:
            told = f"{each.table.name}: {each.table.damaged}"
            ids[ledger.add("storage", told, "pg_relation_size", each.table.name)] = math.inf
        for name, observation in _told(known, each).items():
            says = f"{each.table.name}: {observation.says}" if observation.row == each.table.name else observation.says
            reference = ledger.add(observation.group, says, observation.source, observation.row)
            ids[reference] = max(ids.get(reference, -math.inf), _weight(known, each, name, observation))
            counted = reference if name == "rows" else counted
            if noteworthy(each) and not each.table.damaged:  # of files that vanished no signal was weighed
                found += _matrix(known, each, name, observation, reference)
        because[each.table.name] = _proofs(ids, counted)
    return because, schemas.frame("mechanism_evidence", found)


def _proofs(weights: Mapping[str, float], counted: str) -> tuple[str, ...]:
    """Evidence ids, what speaks most first; that of the rows second at the latest, for a number stands beside it.

    >>> _proofs({"E1": 0.2, "E2": -1.0, "E3": 9.0}, "E1"), _proofs({"E2": -1.0, "E3": 9.0}, "")
    (('E3', 'E1', 'E2'), ('E3', 'E2'))
    """
    first, *others = sorted(weights, key=lambda one: -weights[one]) or [""]
    others.sort(key=lambda one: one != counted)
    return tuple(one for one in (first, *others) if one)


def _weight(known: knowledge.Knowledge, each: Weighed, name: str, observation: Observation) -> float:
    """Decibans by which an observation speaks for the mechanism that is said of a table."""
    return decibans(known, likelihoods(known, name, observation))[each.mechanism]


def _told(known: knowledge.Knowledge, each: Weighed) -> Mapping[str, Observation]:
    """What is entered: of an intact table its rows and storage; where neither was looked at, what says most for it."""
    brief = {name: each.seen[name] for name in ("rows", "storage") if name in each.seen}
    if noteworthy(each) or not each.seen:
        return each.seen
    return brief or dict([max(each.seen.items(), key=lambda item: _weight(known, each, *item))])


def noteworthy(each: Weighed) -> bool:
    """Whether the report says more of this table than its numbers."""
    return each.mechanism != "none" or each.probability < 0.9


def _matrix(
    known: knowledge.Knowledge, each: Weighed, name: str, observation: Observation, reference: str
) -> list[dict]:
    relation, likely, begun = each.table.relation, likelihoods(known, name, observation), start(known)
    moved = decibans(known, likely)
    return [
        {
            "schema": relation["schema"],
            "table": relation["name"],
            "signal": name,
            "outcome": " or ".join(observation.outcomes),
            "mechanism": word,
            "likelihood": likely[word],
            "decibans": round(moved[word], 3),
            "start": round(begun[word], 3),
            "evidence": reference,
            "source": known.signals[name].source,
        }
        for word in known.priors
    ]
