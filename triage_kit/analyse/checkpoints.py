"""Checkpoint lines as dates: which interval between two checkpoints saw new storage made in bulk.

Ordinary work syncs fewer files than the buffers it writes; replacing the storage of several tables at once (heap,
TOAST and every index) makes more (measured on 13, 15 and 18: 1.7 to 3.3 files a buffer for TRUNCATE, 0.2 to 0.4 for
DELETE and INSERT). Other traffic dilutes the ratio, so an interval is compared with the server's own others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from triage_kit.analyse.context import rows

WROTE = re.compile(r"wrote (\d+) buffers.*?sync files=(\d+)", re.S)
FILES_A_TABLE = 2  # at least heap and one index


@dataclass(frozen=True)
class Interval:
    """The time between two finished checkpoints, with what the second one wrote."""

    start: pd.Timestamp | None
    end: pd.Timestamp
    buffers: int
    files: int
    source: str
    text: str

    @property
    def ratio(self) -> float:
        return self.files / max(self.buffers, 1)


def intervals(log_events: pd.DataFrame) -> list[Interval]:
    """Every checkpoint interval of ``log_events``, oldest first; the first one has no beginning."""
    found, before = [], None
    lines = log_events[log_events["kind"].isin(["checkpoint_complete"])].sort_values("at", kind="stable")
    for event in rows(lines):
        match = WROTE.search(event["message"] or "")
        if match and event["at"] is not None:
            where = f"{event['file']}:{event['line']}"
            found.append(Interval(before, event["at"], int(match[1]), int(match[2]), where, event["message"]))
            before = event["at"]
    return found


def new_storage(
    found: list[Interval], tables: int, before: pd.Timestamp | None, after: pd.Timestamp | None = None
) -> Interval | None:
    """The last interval between two instants in which so many tables may have got new storage, or None.

    It must sync enough files, and more of them a buffer than the others of this server: twice their median, or more
    files than buffers.
    """
    fitting = []
    for each in found:
        others = sorted(other.ratio for other in found if other is not each)
        usual = others[len(others) // 2] if others else None
        stands_out = each.ratio >= 1 or (usual is not None and each.ratio >= 2 * usual)
        in_time = (before is None or (each.start or each.end) <= before) and (after is None or each.end >= after)
        if each.files >= FILES_A_TABLE * tables and stands_out and in_time:
            fitting.append(each)
    return fitting[-1] if fitting else None
