"""The checks that would settle what is open, by the bits they are expected to gain a minute.

The gain of a check is the entropy of the hypotheses now minus the one that is expected after it (mutual information):
over every outcome of the signals that it reveals, by the likelihoods of knowledge/, times the chance that the check
shows anything. A check of which no outcome would put another hypothesis first is left out: it cannot change a thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import log2

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse import knowledge
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.mechanisms import Weighed
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.settling import HIDDEN, statements_unread

WORTHWHILE = 0.02  # bits; below it a check is not worth its minutes
LIKELY = 0.02  # an outcome that is less likely than that is not worth hoping for
MOST_NAMED = 50
MOST_TABLES = 40  # as many undecided tables are reckoned with; others look like one of them
OPEN = 0.4  # bits of a table that is worth a check


@dataclass(frozen=True)
class Open:
    """Hypotheses that are still open for one table or group, and what was seen of it already."""

    name: str
    chances: Mapping[str, float]
    seen: frozenset[str]
    known: knowledge.Knowledge


def entropy(chances: Mapping[str, float]) -> float:
    """Bits of uncertainty.

    >>> entropy({"a": 0.5, "b": 0.5}), entropy({"a": 1.0})
    (1.0, 0.0)
    """
    return max(0.0, -sum(p * log2(p) for p in chances.values() if p > 0))


def gain(about: Open, reveals: Sequence[str]) -> tuple[float, bool]:
    """Expected bits of looking at these signals, and whether an outcome would put another hypothesis first.

    >>> known = knowledge.mechanisms()
    >>> torn = Open("t", {"truncate": 0.5, "rollback": 0.5}, frozenset(), known)
    >>> bits, changes = gain(torn, ["storage"])
    >>> round(bits, 2), changes
    (0.83, True)
    """
    signals = [about.known.signals[name] for name in reveals if name not in about.seen]
    if not signals:
        return 0.0, False
    first, expected, changes = max(about.chances, key=lambda w: about.chances[w]), 0.0, False
    for outcomes in product(*(signal.outcomes for signal in signals)):
        joint = dict(about.chances)
        for signal, outcome in zip(signals, outcomes, strict=True):
            joint = {word: chance * signal.likelihood(word, (outcome,)) for word, chance in joint.items()}
        likely = sum(joint.values())
        if likely <= 0:
            continue
        after = {word: chance / likely for word, chance in joint.items()}
        expected += likely * entropy(after)
        changes = changes or (likely >= LIKELY and max(after, key=lambda w: after[w]) != first)
    return max(0.0, entropy(about.chances) - expected), changes


def next_tests(
    evidence: Mapping[str, pd.DataFrame],
    groups: Sequence[Group],
    causes: pd.DataFrame,
    moved: pd.DataFrame,
    weighed: Sequence[Weighed],
    scene: Scene,
) -> pd.DataFrame:
    """Table ``next_tests``, the most bits a minute first; without rows when nothing can change the ranking."""
    tables = _open_tables(weighed)
    suspects = _open_causes(causes, moved)
    found = []
    for test in knowledge.tests():
        about = tables if test["about"] == "mechanism" else suspects
        fitting = [each for each in about if CONDITIONS[test["if"]](each, evidence, groups, scene, weighed)]
        told = [(each, *gain(each, test["reveals"])) for each in fitting]
        bits = test["chance"] * sum(each for _, each, changes in told if changes)
        if bits >= WORTHWHILE:
            named = [each.name for each, _, changes in told if changes]
            found.append(_row(test, bits, named, groups, weighed))
    merged: dict[str, dict] = {}
    for row in found:  # one command that tells of rows and of people is one check
        if row["command"] in merged:
            merged[row["command"]]["bits"] = round(merged[row["command"]]["bits"] + row["bits"], 3)
        else:
            merged[row["command"]] = row
    return schemas.frame("next_tests", sorted(merged.values(), key=lambda row: -row["bits"] / row["minutes"]))


def _open_tables(weighed: Sequence[Weighed]) -> list[Open]:
    known = knowledge.mechanisms()
    bits = {each.table.name: entropy(each.probabilities) for each in weighed}
    torn = sorted((e for e in weighed if bits[e.table.name] >= OPEN), key=lambda e: -bits[e.table.name])[:MOST_TABLES]
    return [Open(each.table.name, each.probabilities, frozenset(each.seen), known) for each in torn]


def _open_causes(causes: pd.DataFrame, moved: pd.DataFrame) -> list[Open]:
    known = knowledge.causes()
    chances: dict[str, dict[str, float]] = {}
    for row in rows(causes):
        if row["tables"]:
            chances.setdefault(row["group"], {})[row["cause"]] = row["probability"]
    seen: dict[str, set[str]] = {}
    for group, item in zip(moved["group"], moved["item"], strict=True):
        seen.setdefault(group, set()).add(item)
    return [Open(group, told, frozenset(seen.get(group, ())), known) for group, told in chances.items()]


Condition = Callable[[Open, Mapping[str, pd.DataFrame], Sequence[Group], Scene, Sequence[Weighed]], bool]


def _group(about: Open, groups: Sequence[Group]) -> Group | None:
    return next((group for group in groups if group.name == about.name), None)


def _table(about: Open, weighed: Sequence[Weighed]) -> Weighed | None:
    return next((each for each in weighed if each.table.name == about.name), None)


def _uncounted(
    about: Open, evidence: Mapping, groups: Sequence[Group], scene: Scene, weighed: Sequence[Weighed]
) -> bool:
    each = _table(about, weighed)
    return each is not None and scene.about.has_server and not each.table.counted


def _deleted(about: Open, evidence: Mapping, groups: Sequence[Group], scene: Scene, weighed: Sequence[Weighed]) -> bool:
    group = _group(about, groups)
    dead = [scene.balances.get(root, {}).get("dead") for root in group.roots] if group else []
    return group is not None and group.mechanism == "delete" and group.xid is None and any(dead)


def _wal(about: Open, evidence: Mapping, groups: Sequence[Group], scene: Scene, weighed: Sequence[Weighed]) -> bool:
    group = _group(about, groups)
    unread = scene.about.has_server and not len(evidence["wal_spans"])
    return unread and (group is None or (group.xid is not None and (scene.about.version_num or 0) >= 150000))


def _statements_unread(
    about: Open, evidence: Mapping, groups: Sequence[Group], scene: Scene, weighed: Sequence[Weighed]
) -> bool:
    return scene.about.has_server and statements_unread(evidence)


CONDITIONS: Mapping[str, Condition] = {
    "no_server": lambda about, evidence, groups, scene, weighed: not scene.about.has_server,
    "has_server": lambda about, evidence, groups, scene, weighed: scene.about.has_server,
    "uncounted": _uncounted,
    "statements_unread": _statements_unread,
    "wal_unread": _wal,
    "no_app_role": lambda about, evidence, groups, scene, weighed: (
        scene.about.has_server and scene.about.app_role is None
    ),
    "activity_hidden": lambda about, evidence, groups, scene, weighed: (
        scene.about.has_server and bool((evidence["activity"]["query"] == HIDDEN).any())
    ),
    "rows_unread": lambda about, evidence, groups, scene, weighed: (
        scene.about.has_server and bool((scene.balances.get(about.name) or {}).get("actual_rows"))
    ),
    "log_unread": lambda about, evidence, groups, scene, weighed: not len(evidence["log_sources"]),
    "nobody_named": lambda about, evidence, groups, scene, weighed: not {
        "statement_by_shell", "statement_by_gui", "statement_by_application", "statement_by_program",
        "statement_by_nameless",
    } & about.seen,
    "dead_rows": _deleted,
    "migrations_unread": lambda about, evidence, groups, scene, weighed: _unread("migrations", evidence),
    "code_unread": lambda about, evidence, groups, scene, weighed: _unread("code_hits", evidence),
    "volumes_unread": lambda about, evidence, groups, scene, weighed: (
        not len(evidence["volumes"]) and scene.about.initdb_at is None
    ),
}  # fmt: skip


def _row(test: dict, bits: float, named: list[str], groups: Sequence[Group], weighed: Sequence[Weighed]) -> dict:
    """The check with its command filled in: tables by name, quoted as SQL and as a literal want it."""
    told = {each.table.name: each.table.relation for each in weighed}
    roots = [name for group in groups if group.name in named for name in group.roots]
    tables = [name for name in (named if test["about"] == "mechanism" else roots) if name in told]
    written = [sql.quote_qualified(told[name]["schema"], told[name]["name"]) for name in tables]
    literals = ["'" + name.replace("'", "''") + "'" for name in written]
    xid = next((group.xid for group in groups if group.name in named and group.xid is not None), None)
    command = test["command"]
    for mark, text in (
        ("{tables}", ", ".join(f"{literal}::regclass" for literal in literals[:MOST_NAMED])),
        ("{table}", written[0] if written else "TABLE"),
        ("{literal}", literals[0] if literals else "'TABLE'"),
        ("{xid}", str(xid % (1 << 32)) if xid is not None else "XID"),
    ):
        command = command.replace(mark, text)
    listed = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
    return {
        "test": f"{test['test']} ({listed})",
        "command": command,
        "bits": round(bits, 3),
        "minutes": float(test["minutes"]),
        "risk": test["risk"],
    }


def unused(conditions: Mapping[str, Condition] = CONDITIONS) -> Iterator[str]:
    """Conditions that no check of knowledge/tests.yaml asks for; none, as a test sees to.

    >>> list(unused())
    []
    """
    asked = {test["if"] for test in knowledge.tests()}
    yield from sorted(set(conditions) - asked)


def _unread(source: str, evidence: Mapping[str, pd.DataFrame]) -> bool:
    """Whether a source gave nothing because it was not read: one that holds nothing would say the same again."""
    asked = evidence["questions"]
    return not len(evidence[source]) and not (asked["source"].eq(source) & asked["status"].eq("answered")).any()
