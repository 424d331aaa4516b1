"""The first answer: about ten lines for a terminal, the freeze list among them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import LOSSES
from triage_kit.schemas import qualified

if TYPE_CHECKING:
    from triage_kit.analyse.investigation import Investigation

WORST = 6
_BREAK = re.compile(r'(?P<name>"(?:[^"]|"")*")|\s+')


def verdict(found: Investigation) -> list[str]:
    """What is gone, what did it, who, when, how sure, what to stop now: one line each."""
    findings = rows(found.findings)
    lost = [row for row in findings if row["status"] in LOSSES and row["kind"] != "partitioned"]
    undecided = sum(row["status"] == "undecided" for row in findings)
    lines = [_headline(lost, findings, undecided)]
    if lost:
        lines.append("tables: " + _worst(lost))
    lines += _false_alarms(findings)
    for group in rows(found.groups)[:2]:
        lines += _group(group, found)
    lines += [
        f"stop now: {step['action']} (destroys: {step['destroys'].split(';')[0]})" for step in rows(found.freeze)[:4]
    ]
    if len(found.gaps):
        some = "1 question" if len(found.gaps) == 1 else f"{len(found.gaps)} questions"
        lines.append(f"not seen: {some} without an answer: {', '.join(found.gaps['source'][:6])}")
    return lines


def _headline(lost: list[dict], findings: list[dict], undecided: int) -> str:
    leaves = [row for row in findings if row["kind"] != "partitioned"]
    hurt = sum(row["actual_from"] == "damaged" for row in leaves)
    tail = f", {undecided} undecided" if undecided else ""
    tail += f", the files of {hurt} are missing, cut or unreadable" if hurt else ""
    if not leaves:
        return "no table could be looked at: the evidence holds no answer of a server"
    if not lost:
        return f"no table of {len(leaves)} is known to have lost a committed row{tail}"
    counts = Counter(row["status"] for row in lost)
    kinds = ", ".join(f"{counts[word]} {word}" for word in LOSSES if counts[word])
    return f"{len(lost)} of {len(leaves)} tables are damaged ({kinds}), {_missing(lost)}{tail}"


def _missing(lost: list[dict]) -> str:
    """Rows missing in words; where the number is open, the bounds."""
    known = sum(row["missing_rows"] for row in lost if row["missing_rows"] is not None)
    open_ = [row for row in lost if row["missing_rows"] is None]
    told = f"{known} rows missing" if known or not open_ else ""
    if not open_:
        return told
    known_bounds = [bound for row in open_ if (bound := _at_most(row)) is not None]
    most = f"at most {sum(known_bounds)}" if len(known_bounds) == len(open_) else "an unknown number of"
    return (f"{told} and " if told else "") + f"{most} {'more' if told else 'rows missing'} in {len(open_)} tables"


def _at_most(row: dict) -> int | None:
    """How many rows a table can lack whose number is not known, where that has a bound."""
    high, stand = row["expected_high"], row["actual_rows"]
    return max(high - stand, 0) if high is not None and stand is not None else None


def _false_alarms(findings: list[dict]) -> list[str]:
    """Tables that people named and that lost nothing, with what misled them."""
    told = [row for row in findings if row["reported"] and row["status"] == "intact"]
    return [
        f"reported but intact: {qualified(row['schema'], row['table'])}, {row['actual_rows']} rows"
        f" ({row['mechanism']}, {percent(row['probability'])})"
        for row in told[:WORST]
    ]


def _worst(lost: list[dict]) -> str:
    ranked = sorted(lost, key=lambda row: (-(row["missing_rows"] or 0), row["schema"], row["table"]))
    told = [
        f"{qualified(row['schema'], row['table'])} {'-?' if row['missing_rows'] is None else -row['missing_rows']}"
        for row in ranked[:WORST]
    ]
    return ", ".join(told) + (f" and {len(ranked) - WORST} more" if len(ranked) > WORST else "")


def _group(group: dict, found: Investigation) -> list[str]:
    lines = []
    if group["mechanism"] is not None:
        lines.append(f"what: {group['mechanism']} ({percent(group['probability'])}), {_when(group)}")
    if group["repeated"] is not None:
        lines.append(group["repeated"])
    story = rows(found.explaining_statements[found.explaining_statements["group"] == group["group"]])
    if story:
        basis = "foreign keys" if story[0]["xid"] is None else "the catalogue"
        told = "seen" if story[0]["observed"] else f"inferred from {basis}"
        lines.append(
            f"statement ({told}): {schemas.cut(_one_line(story[0]['text']), 200)}; explains {story[0]['explained']} of "
            f"{story[0]['of']}, {story[0]['extra']} extra"
        )
    causes = rows(found.causes[found.causes["group"] == group["group"]])[:2]
    if causes:
        lines.append(
            "who: " + ", then ".join(f"{row['title'].lower()} ({percent(row['probability'])})" for row in causes)
        )
    return lines


def _one_line(statement: str) -> str:
    """The statement without its line breaks; a name keeps those that it has.

    >>> _one_line('TRUNCATE a,\\n  "b  c"')
    'TRUNCATE a, "b  c"'
    """
    return _BREAK.sub(lambda found: found["name"] or " ", statement.strip())


def _when(group: dict) -> str:
    start, end = group["lost_from"], group["lost_to"]
    if start is None and end is None:
        return "not dated"
    if start is None or start == end:
        return f"{'before' if start is None else 'at'} {_utc(end)} ({group['dated_by']})"
    return f"between {_utc(start)} and {_utc(end)} ({group['dated_by']})"


def percent(probability: float) -> str:
    """A probability for people; certainty is never printed.

    >>> percent(0.84), percent(0.9999), percent(0.0001)
    ('84 %', 'over 99 %', 'under 1 %')
    """
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{probability:.0%}".replace("%", " %")


def _utc(at: pd.Timestamp) -> str:
    # Tenths matter when a window is shorter than a second; nobody reads microseconds on a terminal.
    return f"{at:%Y-%m-%d %H:%M:%S}{f'.{at.microsecond // 1000:03d}' if at.microsecond else ''} UTC"
