"""The two checkpoint lines of the seed incident date the damage: 319 buffers / 66 files, then 315 / 210."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.checkpoints import intervals, new_storage

LINE = (
    "checkpoint complete: wrote {} buffers (1.9%); 0 WAL file(s) added, 0 removed, 0 recycled; write=31.9 s, "
    "sync=0.1 s, total=32.1 s; sync files={}, longest=0.1 s"
)


def events(*lines):
    rows = [
        {
            "file": "postgresql.log",
            "line": number,
            "at": at,
            "kind": "checkpoint_complete",
            "message": LINE.format(buffers, files),
        }
        for number, (at, buffers, files) in enumerate(lines, 1)
    ]
    return schemas.frame("log_events", rows)


SEED = (("2025-10-07T18:28:20Z", 319, 66), ("2025-10-07T20:28:20Z", 315, 210))


def test_the_seed_is_dated_by_its_second_checkpoint():
    hit = new_storage(intervals(events(*SEED)), 12, pd.Timestamp("2025-10-08T10:37:29Z"))
    assert (hit.start, hit.end, hit.source) == (
        pd.Timestamp("2025-10-07T18:28:20Z"),
        pd.Timestamp("2025-10-07T20:28:20Z"),
        "postgresql.log:2",
    )


def test_ordinary_traffic_dates_nothing():
    quiet = events(
        ("2025-10-07T18:00:00Z", 169, 71), ("2025-10-07T18:05:00Z", 132, 60), ("2025-10-07T18:10:00Z", 28, 5)
    )
    assert new_storage(intervals(quiet), 4, None) is None


def test_an_interval_after_people_noticed_is_not_the_cause():
    assert new_storage(intervals(events(*SEED)), 12, pd.Timestamp("2025-10-07T18:00:00Z")) is None


def test_too_few_files_for_so_many_tables_date_nothing():
    assert new_storage(intervals(events(*SEED)), 120, None) is None
