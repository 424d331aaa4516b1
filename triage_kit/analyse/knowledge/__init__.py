"""The numbers behind every probability, each with its source: YAML beside this file, read and checked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from triage_kit.errors import KnowledgeError

FOLDER = Path(__file__).parent
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads in a tenth of the time; not every build has it
MECHANISMS = (
    "none", "delete", "cascade_delete", "truncate", "recreate", "drop", "partition_drop", "rollback", "unlogged_reset",
    "restore", "new_cluster", "update", "column_drop", "hidden", "counters_reset", "unknown",
)  # fmt: skip
CAUSES = (
    "manual_session", "scheduled_job", "migration", "application", "test_run", "restore", "storage_replaced", "crash",
    "replication", "not_lost", "unknown",
)  # fmt: skip


@dataclass(frozen=True)
class Signal:
    """One thing to look at: its possible outcomes, and how likely each hypothesis makes them."""

    name: str
    says: str
    source: str
    outcomes: tuple[str, ...]
    likelihoods: Mapping[str, Mapping[str, float]]

    def likelihood(self, hypothesis: str, seen: tuple[str, ...]) -> float:
        """P(what was seen | hypothesis); several outcomes mean that the evidence does not tell them apart."""
        return sum(self.likelihoods[hypothesis][outcome] for outcome in seen)


@dataclass(frozen=True)
class Knowledge:
    """Hypotheses with their priors and titles, and the signals that tell them apart."""

    priors: Mapping[str, float]
    titles: Mapping[str, str]
    prior_source: str
    signals: Mapping[str, Signal] = field(default_factory=dict)
    sharpness: float = 1.0  # power that the probabilities are raised to: above 1 where the stated numbers are too shy


@cache
def mechanisms() -> Knowledge:
    """What happened to the rows of a table.

    >>> round(sum(mechanisms().priors.values()), 9)
    1.0
    """
    raw = _read("mechanisms.yaml")
    signals = {name: _signal(name, body, MECHANISMS) for name, body in raw["signals"].items()}
    return Knowledge(_priors(raw, MECHANISMS), _titles(raw, "says"), raw["prior_source"], signals)


@cache
def causes() -> Knowledge:
    """Who or what did it; every item is a signal with the outcomes ``seen`` and ``not_seen``."""
    raw = _read("causes.yaml")
    signals = {"mechanism": _signal("mechanism", {"says": "what happened to the rows", **raw["mechanism"]}, CAUSES)}
    signals |= {name: _item(name, body) for name, body in raw["items"].items()}
    sharpness = float(raw["sharpness"]["power"])
    return Knowledge(_priors(raw, CAUSES), _titles(raw, "title"), raw["prior_source"], signals, sharpness)


@cache
def advice() -> dict:
    """Recommendations, each with the findings that call for it."""
    return _read("recommendations.yaml")


@cache
def tests() -> list[dict]:
    """Checks that may settle what is open: what they reveal, their command, minutes, chance and risk."""
    found = _read("tests.yaml")["tests"]
    for test in found:
        known = mechanisms() if test["about"] == "mechanism" else causes()
        strangers = set(test["reveals"]) - set(known.signals)
        if strangers:
            raise KnowledgeError(f"the check {test['test']!r} reveals {sorted(strangers)}, which {test['about']} lacks")
    return found


def _read(name: str) -> dict:
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=LOADER)


def _titles(raw: dict, key: str) -> dict[str, str]:
    return {name: body[key] for name, body in raw["hypotheses"].items()}


def _priors(raw: dict, words: tuple[str, ...]) -> dict[str, float]:
    priors = {name: float(body["prior"]) for name, body in raw["hypotheses"].items()}
    if set(priors) != set(words):
        raise KnowledgeError(f"hypotheses and vocabulary differ by {sorted(set(priors) ^ set(words))}")
    if abs(sum(priors.values()) - 1) > 1e-9:
        raise KnowledgeError(f"priors must sum to 1, got {sum(priors.values()):.6f}")
    return priors


def _signal(name: str, body: dict, words: tuple[str, ...]) -> Signal:
    outcomes = tuple(body["outcomes"])
    rows = body["likelihoods"]
    strangers = set(rows) - set(words) - {"else"}
    if strangers:
        raise KnowledgeError(f"signal {name!r} speaks of unknown hypotheses {sorted(strangers)}")
    table = {}
    for word in words:
        row = rows.get(word, _middle(rows, words, len(outcomes)) if word == "unknown" else rows.get("else"))
        if row is None or len(row) != len(outcomes) or abs(sum(row) - 1) > 1e-9:
            raise KnowledgeError(
                f"signal {name!r}, hypothesis {word!r}: wants {len(outcomes)} numbers that sum to 1, got {row}"
            )
        table[word] = dict(zip(outcomes, map(float, row), strict=True))
    return Signal(name, body["says"], body["source"], outcomes, table)


def _middle(rows: dict, words: tuple[str, ...], count: int) -> list[float] | None:
    """What an explanation that nobody has described makes likely: the mean of all that are."""
    others = [rows.get(word, rows.get("else")) for word in words if word != "unknown"]
    if any(row is None or len(row) != count for row in others):
        return None
    return [sum(row[place] for row in others) / len(others) for place in range(count)]


def _item(name: str, body: dict) -> Signal:
    seen = body["seen"]
    strangers = set(seen) - set(CAUSES) - {"else"}
    if strangers or "else" not in seen:
        raise KnowledgeError(f"item {name!r} wants `else` and known causes, got {sorted(seen)}")
    table = {
        word: {"seen": seen.get(word, seen["else"]), "not_seen": 1 - seen.get(word, seen["else"])} for word in CAUSES
    }
    return Signal(name, body["says"], body["source"], ("seen", "not_seen"), table)
