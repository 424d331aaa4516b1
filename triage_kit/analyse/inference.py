"""Bayes over stated likelihoods, the same few lines for mechanisms and causes.

P(hypothesis | evidence) is proportional to its prior times P(outcome | hypothesis) of every signal that was observed.
Signals that repeat one another share one row of knowledge/ and are counted once; a signal that could not be observed
is left out and so weighs nothing. How far one outcome moves a hypothesis is given in decibans, ten times the decimal
logarithm of a ratio (I. J. Good, Weight of evidence, 1985): here of its likelihood to the mean of all hypotheses, so
that what a hypothesis starts with and what moved it add up, and 10 more than another are ten to one against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log10

from triage_kit.analyse.knowledge import Knowledge

FLOOR = 1e-9  # no finite evidence makes a hypothesis impossible


@dataclass(frozen=True)
class Observation:
    """What one signal showed: one outcome, or the several that the evidence does not tell apart."""

    outcomes: tuple[str, ...]
    says: str
    source: str
    row: str = ""
    group: str = "catalogue"


def posterior(
    knowledge: Knowledge, seen: Mapping[str, Observation], priors: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Probability of each hypothesis after the observations; the probabilities sum to 1.

    ``priors`` replaces those of the knowledge, for looking at what the conclusion owes to them.

    >>> from triage_kit.analyse.knowledge import mechanisms
    >>> best = posterior(mechanisms(), {"inserted_since_vacuum": Observation(("reset",), "", "")})
    >>> max(best, key=best.get)
    'truncate'
    """
    weights = {}
    for hypothesis, prior in (priors or knowledge.priors).items():
        weight = log(max(prior, FLOOR))
        for name, observation in seen.items():
            weight += log(max(knowledge.signals[name].likelihood(hypothesis, observation.outcomes), FLOOR))
        weights[hypothesis] = weight
    top = max(weights.values())
    scaled = {hypothesis: 2.718281828459045 ** (weight - top) for hypothesis, weight in weights.items()}
    total = sum(scaled.values())
    return {hypothesis: value / total for hypothesis, value in scaled.items()}


def sharpened(chances: Mapping[str, float], power: float) -> dict[str, float]:
    """The probabilities raised to a power and made to sum to 1 again: surer above 1, the order stays.

    >>> told = sharpened({"a": 0.6, "b": 0.3, "c": 0.1}, 2.0)
    >>> {word: round(chance, 3) for word, chance in told.items()}
    {'a': 0.783, 'b': 0.196, 'c': 0.022}
    """
    top = max(chances.values(), default=1.0) or 1.0  # against underflow: what comes in need not sum to 1
    raised = {word: (chance / top) ** power for word, chance in chances.items()}
    total = sum(raised.values())
    return {word: value / total for word, value in raised.items()}


def likelihoods(knowledge: Knowledge, name: str, observation: Observation) -> dict[str, float]:
    """P(what was observed | hypothesis) of every hypothesis."""
    signal = knowledge.signals[name]
    return {word: signal.likelihood(word, observation.outcomes) for word in knowledge.priors}


def start(knowledge: Knowledge) -> dict[str, float]:
    """Where each hypothesis stands before any evidence, in decibans."""
    return {word: 10 * knowledge.sharpness * log10(max(prior, FLOOR)) for word, prior in knowledge.priors.items()}


def decibans(knowledge: Knowledge, likely: Mapping[str, float]) -> dict[str, float]:
    """How far an observation of these likelihoods moves each hypothesis: positive is for it.

    What all observations give, added to ``start``, are the probabilities: 10 more than another is ten times its chance.

    >>> from triage_kit.analyse.knowledge import mechanisms
    >>> moved = decibans(mechanisms(), dict.fromkeys(mechanisms().priors, 0.1) | {"drop": 1.0})
    >>> round(moved["drop"] - moved["delete"], 9)
    10.0
    """
    floored = {word: max(chance, FLOOR) for word, chance in likely.items()}
    mean = sum(prior * floored[word] for word, prior in knowledge.priors.items())
    return {word: 10 * knowledge.sharpness * log10(chance / mean) for word, chance in floored.items()}
