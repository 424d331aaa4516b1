"""What became of each statement, told once: what the log leaves open, counters and the state of the tables may tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.sessions import line_of
from triage_kit.analyse.statements import OUTCOMES, Seen, wording

COUNTED = frozenset({"delete", "update", "merge"})  # of which pg_stat_statements has the rows that they took
DONE = ("committed", "carried_out")


def known(seen: Sequence[Seen], proven: Iterable[str]) -> list[Seen]:
    """The statements with what all sources together tell of their end and of their rows.

    Parameters
    ----------
    proven : evidence rows of the statements that the state of the damaged tables shows to have been carried out.
    """
    proofs = set(proven)
    told = [replace(each, outcome="carried_out") if each.outcome == "unknown" and each.evidence in proofs else each
            for each in seen]  # fmt: skip
    runs: dict[str, list[Seen]] = defaultdict(list)
    counters: dict[str, list[Seen]] = defaultdict(list)
    shapes = {text: wording(text) for text in {each.text for each in told}}
    for each in told:
        if each.outcome != "failed":  # counters never count what failed
            (counters if each.at is None else runs)[shapes[each.text]].append(each)
    return [
        _ended_alike(each, runs[shapes[each.text]])
        if each.at is None
        else _counted(each, runs[shapes[each.text]], counters[shapes[each.text]])
        for each in told
    ]


def _ended_alike(entry: Seen, runs: Sequence[Seen]) -> Seen:
    """What counters tell of statements that the log has as well is no statement of its own: it ended as they did."""
    ends = {each.outcome for each in runs if _one_role(each, entry)}
    done = [word for word in DONE if word in ends]
    return replace(entry, outcome=done[0] if done else ends.pop() if len(ends) == 1 else entry.outcome)


def _counted(run: Seen, runs: Sequence[Seen], counters: Sequence[Seen]) -> Seen:
    """The statement with its rows, where its entry counts one call, or no row in all of them."""
    own = [each for each in counters if _one_role(run, each) and each.table == run.table and each.rows is not None]
    if run.outcome == "failed" or run.rows is not None or run.operation not in COUNTED or len(own) != 1:
        return run
    times = len({each.where for each in runs if _one_role(each, own[0])})
    single = own[0].calls == times == 1
    return replace(run, rows=own[0].rows) if single or (own[0].rows == 0 and own[0].calls >= times) else run


def _one_role(one: Seen, other: Seen) -> bool:
    return one.user == other.user or None in (one.user, other.user)


def retold(connected: pd.DataFrame, seen: Sequence[Seen]) -> pd.DataFrame:
    """Table ``sessions`` with the end of each statement as ``seen`` has it."""
    ends: dict[tuple, set[str]] = defaultdict(set)
    of_pid: dict[int, list[Seen]] = defaultdict(list)
    for each in seen:
        if each.pid is not None and each.at is not None:
            of_pid[each.pid].append(each)
    if not of_pid:
        return connected
    told = rows(connected)
    for session in told:
        ends.clear()
        for each in of_pid.get(session["pid"], ()):
            if session["seen_from"] is not None and session["seen_from"] <= each.at <= session["seen_to"]:
                ends[line_of(each.text)].add(OUTCOMES.get(each.outcome, each.outcome))
        session["did"] = tuple(_with_end(said, ends) for said in session["did"])
    return schemas.frame("sessions", told)


def _with_end(said: str, ends: dict) -> str:
    word, _, text = said.partition(": ")
    # Runs of one text that ended differently are not told apart here.
    return f"{next(iter(ends[text]))}: {text}" if word == OUTCOMES["unknown"] and len(ends.get(text, ())) == 1 else said
