"""An analyst's questions to the inference: strike an item, add a hypothesis, change a prior, and see the ranking move.

Everything is reckoned from the tables ``mechanism_evidence`` and ``cause_evidence``, which hold the likelihood of every
observation under every hypothesis; so it works on a report as well as on a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from triage_kit.analyse import knowledge
from triage_kit.analyse.inference import FLOOR, sharpened


def matrix(evidence: pd.DataFrame, of: str) -> pd.DataFrame:
    """Hypotheses by evidence, in decibans: how far each observation moved each hypothesis; the weightiest row first.

    ``evidence`` is ``mechanism_evidence`` with ``of`` a table's name (``schema.table`` or bare), or ``cause_evidence``
    with ``of`` a group's.
    """
    mine, row, column = _of(evidence, of)
    if mine.empty:
        return pd.DataFrame()
    wide = mine.pivot_table(index=row, columns=column, values="decibans", aggfunc="first")
    return wide.loc[wide.abs().max(axis=1).sort_values(ascending=False, kind="stable").index]


def ranking(
    evidence: pd.DataFrame,
    of: str,
    strike: Iterable[str] = (),
    add: Mapping[str, Mapping[str, float]] | None = None,
    priors: Mapping[str, float] | None = None,
) -> pd.Series:
    """Probabilities of the hypotheses, the likeliest first, under an analyst's own assumptions.

    ``strike`` names signals or ids of evidence rows to leave out. ``add`` gives new hypotheses: their ``prior`` and the
    likelihood of each observed signal; one that is not given moves it nowhere. ``priors`` replaces those of the
    knowledge. With no assumption of one's own these are the probabilities of the report.

    >>> seen = pd.DataFrame([
    ...     {"group": "G1", "item": "statement_by_shell", "cause": cause, "likelihood": chance, "evidence": "E1",
    ...      "decibans": 0.0} for cause, chance in (("manual_session", 0.6), ("application", 0.02), ("unknown", 0.1))])
    >>> ranking(seen, "G1").index[0]
    'manual_session'
    >>> told = ranking(seen, "G1", strike=["E1"], add={"intruder": {"prior": 0.5}})
    >>> told.index[0], round(float(told.sum()), 9)
    ('intruder', 1.0)
    """
    mine, row, column = _of(evidence, of)
    left_out = set(strike)
    kept = mine[~mine[row].isin(left_out) & ~mine["evidence"].isin(left_out)]
    known = knowledge.mechanisms() if column == "mechanism" else knowledge.causes()
    start = {word: (priors or known.priors).get(word, FLOOR) for word in mine[column].unique()}
    weights = {}
    for word, prior in start.items():
        likelihoods = kept.loc[kept[column] == word, "likelihood"].clip(lower=FLOOR)
        weights[word] = prior * likelihoods.prod()
    means = _means(kept, row, column, start) if add else {}
    for word, told in (add or {}).items():
        weight = told.get("prior", 0.1)
        for signal, mean in means.items():
            weight *= max(told.get(signal, mean), FLOOR)
        weights[word] = weight
    found = pd.Series(sharpened(weights, known.sharpness), name="probability", dtype="float64")
    return found.sort_values(ascending=False, kind="stable")


def _means(kept: pd.DataFrame, row: str, column: str, priors: Mapping[str, float]) -> dict[str, float]:
    """How likely each observation is whichever hypothesis holds: what a hypothesis has that says nothing of it."""
    weight = kept[column].map(priors).astype(float)
    whole = (kept["likelihood"].clip(lower=FLOOR) * weight).groupby(kept[row]).sum()
    return (whole / weight.groupby(kept[row]).sum()).to_dict()


def sensitivity(evidence: pd.DataFrame, of: str, factors: Iterable[float] = (0.1, 0.5, 2.0, 10.0)) -> pd.DataFrame:
    """What the leader owes to the priors and to single items: its probability under each changed assumption.

    One row an assumption: the prior of the leader times a factor, or one item struck; columns ``assumption``,
    ``leader`` and ``probability`` (of whoever leads then), ``kept`` (whether the leader is the same).
    """
    mine, row, column = _of(evidence, of)
    first = ranking(evidence, of)
    if first.empty:
        return pd.DataFrame(columns=["assumption", "leader", "probability", "kept"])
    leader = first.index[0]
    known = dict((knowledge.mechanisms() if column == "mechanism" else knowledge.causes()).priors)
    told = [("as it is", first)]
    for factor in factors:
        changed = {**known, leader: known.get(leader, FLOOR) * factor}
        told.append((f"prior of {leader} times {factor:g}", ranking(evidence, of, priors=changed)))
    told += [(f"without {item}", ranking(evidence, of, strike=[item])) for item in mine[row].unique()]
    return pd.DataFrame(
        [
            {"assumption": words, "leader": r.index[0], "probability": float(r.iloc[0]), "kept": r.index[0] == leader}
            for words, r in told
        ]
    )


def _of(evidence: pd.DataFrame, of: str) -> tuple[pd.DataFrame, str, str]:
    """The rows of one table or group, and the names of the columns for observation and hypothesis."""
    if "group" in evidence.columns:
        return evidence[evidence["group"] == of], "item", "cause"
    full = evidence["schema"] + "." + evidence["table"]
    return evidence[(full == of) | (evidence["table"] == of)], "signal", "mechanism"
