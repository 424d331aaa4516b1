"""What several logs of one server say of the same event, told once.

A server may write stderr, csv and json at a time, and a copy or a container engine's log lies beside the server's own.
Each event would be there twice or more: on the timeline, among the statements, and as an act that was repeated.
"""

from __future__ import annotations

import pandas as pd

# Of what both files hold of the time that both cover: so much must be the same, or they are logs of two servers.
_SAME = 0.5
_TOUCH = pd.Timedelta(seconds=2)  # a process may write its line behind later ones of others
_FACTS = ("role", "database", "application", "client", "session", "xid", "sqlstate", "detail", "duration_ms", "outcome")


def once(log_events: pd.DataFrame) -> pd.DataFrame:
    """The same events without those that another file holds, too; what only the one left out tells is filled in.

    >>> from triage_kit import schemas
    >>> event = {"pid": 7, "at": "2025-10-07T20:27:38Z", "severity": "LOG", "message": "statement: TRUNCATE a"}
    >>> both = schemas.frame("log_events", [{"file": "a.log", **event}, {"file": "a.csv", "role": "ada", **event}])
    >>> once(both)[["file", "role"]].values.tolist()
    [['a.csv', 'ada']]
    """
    if log_events["file"].nunique() < 2:
        return log_events
    telling = log_events[log_events["at"].notna() & log_events["message"].notna()]
    files = {name: _File(rows) for name, rows in telling.groupby("file", sort=False)}
    twins: list[pd.DataFrame] = []
    gone: set[int] = set()
    for one, other in _overlapping(files):
        keep, leave = sorted((files[one], files[other]), key=lambda each: -each.told)
        found = _twins(keep, leave)
        found = found[~found["kept"].isin(gone) & ~found["left"].isin(gone)]
        gone.update(found["left"].tolist())
        twins.append(found)
    if not gone:
        return log_events
    return _filled(log_events, twins).drop(index=list(gone))


class _File:
    """The events of one file: what tells each, when they begin and end, and how much each says besides."""

    def __init__(self, events: pd.DataFrame) -> None:
        self.first, self.last = events["at"].min(), events["at"].max()
        self.coarse = bool((events["at"] == events["at"].dt.floor("s")).all())
        self.told = float(events[list(_FACTS)].notna().sum().sum()) / len(events)
        self.events = pd.DataFrame(
            {
                "at": events["at"],
                "said": pd.util.hash_pandas_object(
                    events[["severity", "message"]].fillna("").astype("object"), index=False
                ),
                "pid": events["pid"].astype("float64").fillna(-1.0),
            }
        )


def _overlapping(files: dict[str, _File]) -> list[tuple[str, str]]:
    """Pairs of files that cover some of the same time; rotated ones touch at most."""
    ordered = sorted(files, key=lambda name: (files[name].first, name))
    found, going = [], list[str]()
    for name in ordered:
        going = [each for each in going if files[each].last >= files[name].first]
        found += [(each, name) for each in going if _together(files[each], files[name])]
        going.append(name)
    return found


def _together(one: _File, other: _File) -> bool:
    """Whether more of the time is common than two files share that go on one from the other, or all of it is."""
    if min(one.last, other.last) - max(one.first, other.first) > _TOUCH:
        return True
    return max(abs(one.first - other.first), abs(one.last - other.last)) < pd.Timedelta(seconds=1)


def _twins(keep: _File, leave: _File) -> pd.DataFrame:
    """Columns kept and left: rows of two files that are one event; none where the files are of two servers."""
    since, until = max(keep.first, leave.first), min(keep.last, leave.last)
    sides = []
    for each in (keep, leave):
        at = each.events["at"]
        if keep.coarse or leave.coarse:
            at, since = at.dt.floor("s"), since.floor("s")
        within = each.events.assign(at=at)[at.between(since, until)]
        nth = within.groupby(["pid", "at", "said"]).cumcount()
        sides.append(within.assign(nth=nth, row=within.index))
    both = sides[0].merge(sides[1], on=["pid", "at", "said", "nth"], suffixes=("_kept", "_left"))
    if len(both) < _SAME * min(map(len, sides)):
        both = both.iloc[:0]
    return both[["row_kept", "row_left"]].rename(columns={"row_kept": "kept", "row_left": "left"})


def _filled(events: pd.DataFrame, twins: list[pd.DataFrame]) -> pd.DataFrame:
    filled = events.copy()
    for pairs in twins:  # in their order: what is filled may be left out by a later pair
        kept, left = pairs["kept"].to_numpy(), pairs["left"].to_numpy()
        for column in _FACTS:
            mine, theirs = filled.loc[kept, column], filled.loc[left, column]
            open_ = mine.isna().to_numpy()
            if column == "outcome":
                open_ = open_ | (mine == "unknown").fillna(False).to_numpy(bool)
            wanted = open_ & theirs.notna().to_numpy()
            filled.loc[kept[wanted], column] = theirs[wanted].to_numpy()
    return filled
