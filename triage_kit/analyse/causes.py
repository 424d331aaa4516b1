"""Who or what did it: the items of evidence of each group, weighed by knowledge/causes.yaml.

What happened to the rows is itself uncertain, and it matters for the cause. So the probability of a cause is the mean
over all mechanisms, each weighed by its own probability (Jeffrey's rule), not the one that the likeliest would give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import knowledge, unspoken
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inference import FLOOR, Observation, decibans, likelihoods, posterior, sharpened, start
from triage_kit.analyse.inquiry import Inquiry
from triage_kit.analyse.rewound import another_state
from triage_kit.analyse.settling import would_settle
from triage_kit.analyse.signs import signs

OUTCOME = {
    "cascade_delete": "delete",
    "column_drop": "other",
    "unknown": "other",
    "hidden": "not_lost",
    "none": "not_lost",
    "rollback": "not_lost",
    "counters_reset": "not_lost",
}


def find_causes(groups: Sequence[Group], inquiry: Inquiry) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables ``causes`` and ``cause_evidence``; a case without loss has one group whose cause is ``not_lost``."""
    if not groups:
        return _nothing_lost(inquiry), schemas.empty("cause_evidence")
    causes: list[dict] = []
    moved: list[dict] = []
    known = knowledge.causes()
    for group in groups:
        seen, references = _observations(group, inquiry)
        outcomes = mechanism_outcomes(group, inquiry.findings)
        chances = sharpened(mixed(known, seen, outcomes), known.sharpness)  # after the mean, so that the order stays
        likely = {name: likelihoods(known, name, observation) for name, observation in seen.items()}
        likely["mechanism"] = _over_mechanisms(known, likely, outcomes)
        shifts = {name: decibans(known, chances_) for name, chances_ in likely.items()}
        if words := unspoken.unspoken(chances, shifts, references):
            told, before = unspoken.given_up(known, chances, words), chances
            item, likely[unspoken.ITEM] = unspoken.as_item(known, before, told, words, group.name)
            chances, seen = told, seen | {unspoken.ITEM: item}
            shifts[unspoken.ITEM] = decibans(known, likely[unspoken.ITEM])
            references[unspoken.ITEM] = inquiry.ledger.add(item.group, item.says, item.source, item.row)
        told_by = unspoken.by_row(shifts, references)
        for word in sorted(chances, key=lambda w: (-chances[w], w)):
            mine = {reference: moved_by[word] for reference, moved_by in told_by.items()}
            row = _cause(group, word, known.titles[word], chances[word], mine)
            causes.append(row | {"would_settle": would_settle(word, group, inquiry)})
            moved += [
                _moved(known, group.name, name, word, likely[name][word], references[name], shifts[name][word])
                for name in seen
            ]
    return schemas.frame("causes", causes), schemas.frame("cause_evidence", moved)


def mixed(
    known: knowledge.Knowledge, seen: Mapping[str, Observation], outcomes: Mapping[str, float]
) -> dict[str, float]:
    """Probability of each cause, over all that may have happened to the rows.

    ``outcomes`` are the outcomes of the signal ``mechanism`` with their probabilities; they sum to 1.

    >>> known = knowledge.causes()
    >>> torn = mixed(known, {}, {"truncate": 0.5, "not_lost": 0.5})["not_lost"]
    >>> sure = [mixed(known, {}, {outcome: 1.0})["not_lost"] for outcome in ("truncate", "not_lost")]
    >>> abs(torn - sum(sure) / 2) < 1e-9
    True
    """
    total: defaultdict[str, float] = defaultdict(float)
    for outcome, weight in outcomes.items():
        told = {**seen, "mechanism": Observation((outcome,), "", "")}
        for word, chance in posterior(known, told).items():
            total[word] += weight * chance
    return dict(total)


def _over_mechanisms(
    known: knowledge.Knowledge, likely: Mapping[str, Mapping[str, float]], outcomes: Mapping[str, float]
) -> dict[str, float]:
    """The likelihoods of the signal ``mechanism`` that alone give what ``mixed`` gives over all outcomes.

    A mean over posteriors is the posterior of a mean: each outcome counts by its chance over what it makes of the rest.
    """
    signal = known.signals["mechanism"]
    others = dict(known.priors)
    for name, chances in likely.items():
        if name != "mechanism":
            others = {word: weight * max(chances[word], FLOOR) for word, weight in others.items()}
    weights = {}
    for outcome, share in outcomes.items():
        told = {word: max(signal.likelihood(word, (outcome,)), FLOOR) for word in others}
        weights[outcome] = share / sum(weight * told[word] for word, weight in others.items())
    whole = sum(weights.values())
    return {
        word: sum(
            weight / whole * max(signal.likelihood(word, (outcome,)), FLOOR) for outcome, weight in weights.items()
        )
        for word in others
    }


def mechanism_outcomes(group: Group, findings: Sequence[dict]) -> dict[str, float]:
    """What may have happened to the rows of a group, in the outcomes of causes.yaml: the mean over damaged tables.

    A group lost nothing only if none of its tables did: the surest loss among them bounds how probable that is.
    """
    damaged = set(group.damaged or group.tables)
    rows_ = [
        row for row in findings if schemas.qualified(row["schema"], row["table"]) in damaged and row.get("_chances")
    ]
    tables = [_with_doubt(row) for row in rows_] or [{group.mechanism: 1.0}]
    told = _outcomes(tables)
    standing, least = told.get("not_lost", 0.0), min(_outcomes([each]).get("not_lost", 0.0) for each in tables)
    if standing in (least, 1.0):
        return told
    return {
        word: least if word == "not_lost" else chance * (1 - least) / (1 - standing) for word, chance in told.items()
    }


def _with_doubt(row: dict) -> dict[str, float]:
    """The chances of a table's mechanisms, less what speaks for its ordinary way, or for rows that stand elsewhere."""
    standing = sum(chance for word, chance in row["_chances"].items() if OUTCOME.get(word) == "not_lost")
    extra = max(0.0, row.get("_intact", 0.0) + row.get("_moved", 0.0) - standing)
    return {**{word: chance * (1 - extra) for word, chance in row["_chances"].items()}, "none":
            row["_chances"].get("none", 0.0) * (1 - extra) + extra}  # fmt: skip


def _outcomes(chances: Sequence[Mapping[str, float]]) -> dict[str, float]:
    outcomes = knowledge.causes().signals["mechanism"].outcomes
    total: defaultdict[str, float] = defaultdict(float)
    for mechanism, chance in ((word, share) for each in chances for word, share in each.items()):
        word = OUTCOME.get(mechanism, mechanism)
        total[word if word in outcomes else "other"] += chance
    whole = sum(total.values())
    return {word: chance / whole for word, chance in total.items()}


def _observations(group: Group, inquiry: Inquiry) -> tuple[dict[str, Observation], dict[str, str]]:
    """What was observed of each item, with the id of its evidence row; items that could not be seen are left out."""
    word = OUTCOME.get(group.mechanism, group.mechanism)
    outcomes = knowledge.causes().signals["mechanism"].outcomes
    likeliest = (word if word in outcomes else "other",)
    went = "stand, and are not seen" if group.mechanism == "hidden" else f"went by {group.deed}"
    says = f"{group.name}: the rows {went}"
    seen = {"mechanism": Observation(likeliest, says, "analysis", group.name, "mechanism")}
    for name, (yes, told, source) in signs(group, inquiry).items():
        seen[name] = Observation(("seen" if yes else "not_seen",), told, source, group.name, "cause")
    ledger = inquiry.ledger
    return seen, {name: ledger.add(each.group, each.says, each.source, each.row) for name, each in seen.items()}


def _cause(group: Group, word: str, title: str, chance: float, shifts: Mapping[str, float]) -> dict:
    """One row of table ``causes``; ``shifts`` are decibans by evidence row."""
    return {
        "group": group.name,
        "cause": word,
        "title": title,
        "probability": round(chance, 6),
        "tables": group.tables,
        "for": tuple(row for row, shift in shifts.items() if shift >= unspoken.SPEAKS),
        "against": tuple(row for row, shift in shifts.items() if shift <= -unspoken.SPEAKS),
    }


def _moved(
    known: knowledge.Knowledge, group: str, name: str, word: str, likely: float, reference: str, shift: float
) -> dict:
    return {
        "group": group,
        "item": name,
        "cause": word,
        "decibans": round(shift, 3),
        "start": round(start(known)[word], 3),
        "evidence": reference,
        "likelihood": likely,
        "source": known.signals[name].source,
    }


def _missed(row: Mapping, named: set[tuple]) -> bool:
    """Whether people name the table, by its bare name too, though it is not there to be looked at."""
    return "_intact" not in row and bool({(row["schema"], row["table"]), (None, row["table"])} & named)


def _nothing_lost(inquiry: Inquiry) -> pd.DataFrame:
    """The one group of a case without loss: as sure of it as of the least certain table that people name.

    A table that nobody misses and that may always have been empty, or was never looked at, is no doubt of the case.
    """
    missed = {(row["schema"], row["table"]) for row in rows(inquiry.evidence["reported"])}
    # A partitioned parent only sums up its leaves; a reported table that cannot be looked at is not known to be whole.
    below = inquiry.scene.below_reported  # who misses rows of a partitioned table misses those of its partitions
    told = [
        {**row, "reported": row["reported"] or _missed(row, missed)
         or (row["status"] != "intact" and schemas.qualified(row["schema"], row["table"]) in below)}
        for row in inquiry.findings
    ]  # fmt: skip
    judged = [row for row in told if "_intact" in row or (row["reported"] and row["kind"] != "partitioned")]
    named = [row for row in judged if row["reported"]] or [row for row in judged if row["status"] == "intact"]
    doubted = min(named, key=lambda row: row.get("_intact", 0.0), default=None)
    sure = doubted.get("_intact", 0.0) if doubted else 0.0
    known, seen = knowledge.causes(), {}
    if another := another_state(inquiry.evidence["log_events"], inquiry.evidence["settings"]):
        seen["older_than_its_log"] = Observation(("seen",), *another, "G1", "cause")
        inquiry.ledger.add("cause", *another, "G1")
    shares = dict.fromkeys(known.priors, 0.0) | {"unknown": 1.0}
    if doubted and doubted.get("_chances"):  # had it lost rows after all, causes would follow from the ways of losing
        lossy = {word: chance for word, chance in doubted["_chances"].items() if OUTCOME.get(word) != "not_lost"}
        nobody = {"doer_named": Observation(("not_seen",), "nothing in the evidence points at anybody", "analysis")}
        shares = mixed(known, nobody, _outcomes([lossy])) if sum(lossy.values()) > 0 else shares
    shares = {word: (1 - sure) * share for word, share in shares.items()}
    shares["not_lost"] += sure
    shares = {word: round(share, 6) for word, share in posterior(known, seen, shares).items()}
    because = tuple(dict.fromkeys(reference for row in named[:5] for reference in row["because"]))
    return schemas.frame(
        "causes",
        [
            {
                "group": "G1",
                "cause": word,
                "title": known.titles[word],
                "probability": shares[word],
                "tables": (),
                "for": because if word == "not_lost" else (),
                "against": (),
                "would_settle": would_settle(word, None, inquiry),
            }
            for word in sorted(shares, key=lambda w: (-shares[w], w))
        ],
    )
