"""Causes that no evidence speaks for: what is left of their chance is owed to the prior, and is no finding.

Evidence against the others raises such a cause as well as it does the cause that nobody has described. So that the
second is never told for less than the first, half of what an unspoken cause has is counted as ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage_kit.analyse.inference import FLOOR, Observation
from triage_kit.analyse.knowledge import Knowledge

ITEM = "unspoken"
NAMELESS = ("unknown", "not_lost")  # the first is what it goes to, the second says that nobody did anything
SPEAKS = 1.0  # decibans from which a row is shown as one for a cause
# A way of losing rows that fits many doers points at none; one that alone makes a doer six times as likely does.
TELLS = 8.0
NO_TRACE = ("doer_named",)  # it holds for every named cause alike
WORTH_NAMING = 0.05


def by_row(shifts: Mapping[str, Mapping[str, float]], references: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Decibans by evidence row and cause: several items may read one row, and a row speaks once, for or against.

    >>> by_row({"a": {"x": 4.0}, "b": {"x": -1.5}, "c": {"x": 1.0}}, {"a": "E1", "b": "E1", "c": "E2"})
    {'E1': {'x': 2.5}, 'E2': {'x': 1.0}}
    """
    told: dict[str, dict[str, float]] = {}
    for name, moved in shifts.items():
        row = told.setdefault(references[name], {})
        for word, shift in moved.items():
            row[word] = row.get(word, 0.0) + shift
    return told


def unspoken(
    chances: Mapping[str, float], shifts: Mapping[str, Mapping[str, float]], references: Mapping[str, str]
) -> tuple[str, ...]:
    """The causes, likeliest first, that no evidence row moves up; ``shifts`` are decibans by item and cause.

    >>> both = {"manual_session": 0.4, "application": 0.3, "unknown": 0.3}
    >>> unspoken(both, {"code": {"application": 3.0}}, {"code": "E1"})
    ('manual_session',)
    """
    told = by_row({name: moved for name, moved in shifts.items() if name not in NO_TRACE}, references)
    bounds = {row: TELLS if row == references.get("mechanism") else SPEAKS for row in told}
    return tuple(
        word for word in sorted(chances, key=lambda each: (-chances[each], each))
        if word not in NAMELESS and all(told[row].get(word, 0.0) < least for row, least in bounds.items())
    )  # fmt: skip


def given_up(known: Knowledge, chances: Mapping[str, float], words: tuple[str, ...]) -> dict[str, float]:
    """The chances after the unspoken causes gave up their share to ``unknown``."""
    kept = {word: known.signals[ITEM].likelihood(word, ("seen",)) if word in words else 1.0 for word in chances}
    told = {word: chance * kept[word] for word, chance in chances.items()}
    return told | {"unknown": told["unknown"] + sum(chances.values()) - sum(told.values())}


def as_item(
    known: Knowledge, before: Mapping[str, float], after: Mapping[str, float], words: tuple[str, ...], group: str
) -> tuple[Observation, dict[str, float]]:
    """The step as an item of evidence, with the likelihoods that alone make of ``before`` what is said after it."""
    ratios = {word: (after[word] / max(before[word], FLOOR)) ** (1 / known.sharpness) for word in before}
    most = max(ratios.values())
    named = [word.replace("_", " ") for word in words if before[word] >= WORTH_NAMING] or [words[0].replace("_", " ")]
    says = f"{group}: no evidence speaks for {', '.join(named)}; half of that chance is counted as unknown"
    return Observation(("seen",), says, "analysis", group, "cause"), {
        word: each / most for word, each in ratios.items()
    }
