"""Where a recovery has to stop: the best position that the evidence gives, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from triage_kit.analyse.context import rows
from triage_kit.analyse.dropped import REPLACES, Drop, drops, took
from triage_kit.analyse.losses import Loss, moment
from triage_kit.analyse.repeats import in_words
from triage_kit.analyse.xids import EPOCH

REMOVES = {
    "delete": ("delete", "cascade_delete"),
    "removed": ("truncate", "drop", "partition_drop", "recreate"),
    "update": ("update",),
    "insert": ("rollback",),
}
AROUND = pd.Timedelta(seconds=2)


@dataclass(frozen=True)
class Target:
    """One position to stop before; ``kind`` is lsn, xid, time or empty. ``ended`` is the WAL's own record of it.

    ``segment_lsn`` is how far the WAL must reach, ``margin`` what lies between the target and the loss, in words.
    """

    kind: str = ""
    lsn: str | None = None
    xid: int | None = None
    time: pd.Timestamp | None = None
    margin: str = ""
    ended: dict | None = None
    rows: int | None = None  # that this transaction took from the damaged tables, as the WAL counts them

    @property
    def setting(self) -> tuple[str, str] | None:
        """Name and value of the one recovery_target setting: PostgreSQL takes no two."""
        value = {"lsn": self.lsn, "xid": self.xid, "time": self.time and moment(self.time)}.get(self.kind)
        return None if value is None else (f"recovery_target_{self.kind}", str(value))


def find_target(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> Target:
    """LSN of the commit record where WAL was read, else the transaction's id, else its time, else the window."""
    found = _target(lost, evidence)
    again = next((told for group in lost.groups if (told := in_words(group.repeats))), None)
    late = f"; {again}: a recovery that stops only before that finds them empty"
    return replace(found, margin=found.margin + late) if again and found.kind else found


def _target(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> Target:
    ended = culprit(lost, evidence)
    if ended is not None and ended["lsn"] is not None:
        margin = (
            f"exact: the commit record of transaction {ended['xid']} begins there"
            + (f" ({ended['ended_at']:%Y-%m-%d %H:%M:%S.%f} UTC)" if ended["ended_at"] is not None else "")
            + ", so that everything committed before the loss comes back"
        )
        return Target(
            "lsn", ended["lsn"], ended["xid"], ended["ended_at"], margin, ended, _deleted(lost, ended, evidence)
        )
    first = _first(lost)
    committed = first.committed_at if first is not None else None
    if committed is not None:
        margin = f"exact: transaction {lost.target_xid} committed at that microsecond"
        return Target("time", None, lost.target_xid, committed, margin)
    if lost.target_xid is not None and _alone(lost):
        margin = (
            "exact if it is the top-level id: pg_class.xmin shows that of a subtransaction where a savepoint was "
            "used, and a recovery never meets such an end"
        )
        return Target("xid", None, lost.target_xid, lost.before, margin)
    if lost.before is not None:
        width = None if lost.until is None else lost.until - lost.before
        margin = "the beginning of the window in which it happened" + (
            f", {span(width)} wide: what was written in it before the loss does not come back" if width else ""
        )
        return Target("time", None, lost.target_xid, lost.before, margin)
    return Target(margin="neither transaction nor time of the loss is known")


def _deleted(lost: Loss, ended: dict, evidence: Mapping[str, pd.DataFrame]) -> int | None:
    oids = {row["oid"] for row in lost.found.values()}
    counted = [
        row["rows"]
        for row in rows(evidence["wal_changes"])
        if row["xid"] == ended["xid"] and row["operation"] == "delete" and row["table_oid"] in oids
    ]
    return sum(counted) or None


def span(width: pd.Timedelta) -> str:
    """A length of time in words.

    >>> span(pd.Timedelta(hours=3)), span(pd.Timedelta(milliseconds=450))
    ('3.0 h', '0.45 s')
    """
    seconds = width.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _first(lost: Loss) -> object | None:
    return next((group for group in lost.groups if group.xid is not None and group.xid == lost.target_xid), None)


def _alone(lost: Loss) -> bool:
    """Whether the tables of the first group share one id: neighbours are subtransactions of another, unknown one."""
    first = _first(lost)
    return first is not None and "neighbour" not in str(first.how)  # type: ignore[attr-defined]


def culprit(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict | None:
    """The row of ``wal_transactions`` that took the rows, the earliest of those that fit; None where none was read."""
    ended = [row for row in rows(evidence["wal_transactions"]) if row["outcome"] == "committed"]
    fitting = [row for row in ended if lost.target_xid is not None and lost.target_xid in _ids(row)]
    if not fitting:
        named = {one.xid for one in _drops_of(lost, evidence).values()}
        fitting = [row for row in ended if row["xid"] in named] or _by_files(lost, evidence, ended)
    return min(
        fitting, key=lambda row: (row["ended_at"] or pd.Timestamp.max.tz_localize("UTC"), row["xid"]), default=None
    )


def takers(lost: Loss, target: Target, evidence: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """The transaction that took each damaged table's rows, where the evidence names one for it.

    Of tables that were dropped the WAL names it table by table; otherwise the one of a single group is that of all.
    """
    found = {name: one.xid for name, one in _drops_of(lost, evidence).items()}
    if not found and target.ended is not None and len(lost.groups) == 1 and len(lost.groups[0].batches) < 2:
        found = dict.fromkeys(lost.tables, target.ended["xid"])
    return found


def _drops_of(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict[str, Drop]:
    """The drop of each damaged table that the WAL names."""
    told = drops(evidence)
    found = {name: took(row, told) for name, row in lost.found.items()} if told else {}
    return {name: one for name, one in found.items() if one is not None}


def _ids(row: dict) -> set[int]:
    return {row["xid"], *(int(one) for one in row["subxids"] if str(one).isdigit())}


def _by_files(lost: Loss, evidence: Mapping[str, pd.DataFrame], ended: Sequence[dict]) -> list[dict]:
    """Transactions that did to the damaged tables' files what their mechanism means, inside the window if it is known.

    Of many small ones only those that removed a tenth or more of what is missing count: the rest is everyday work.
    """
    oids = {lost.found[name]["oid"]: name for name in lost.tables if lost.found.get(name, {}).get("oid") is not None}
    operations = {what for what, words in REMOVES.items() if lost.mechanisms & set(words)}
    hit: dict[int, int] = {}
    for row in rows(evidence["wal_changes"]):
        if row["table_oid"] in oids and row["operation"] in operations:
            share = row["rows"] if row["operation"] != "removed" else lost.missing.get(oids[row["table_oid"]]) or 1
            hit[row["xid"]] = hit.get(row["xid"], 0) + (share or 0)
    most = max(hit.values(), default=0)
    kept = [row for row in ended if row["xid"] in hit and hit[row["xid"]] * 10 >= most]
    inside = [row for row in kept if _inside(row["ended_at"], lost)]
    return inside or kept


def _inside(at: pd.Timestamp | None, lost: Loss) -> bool:
    if at is None:
        return False
    return (lost.before is None or at >= lost.before - AROUND) and (lost.until is None or at <= lost.until + AROUND)


def rows_in_wal(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """How many rows of each damaged table's lost file can be read back from the WAL that was read."""
    ended = culprit(lost, evidence)
    old = {int(name.rpartition("/")[2]) for name in ended["old_files"]} if ended else set()
    oids = {lost.found[name]["oid"]: name for name in lost.tables if lost.found.get(name, {}).get("oid") is not None}
    present = {row["oid"]: row["filenode"] for row in rows(evidence["relations"])}
    gone, took = _drops_of(lost, evidence), _files_taken(lost, evidence)
    told: dict[str, int] = {name: one.rows for name, one in gone.items()}
    for row in rows(evidence["wal_rows"]):
        name = oids.get(row["table_oid"])
        if name is None or name in gone or row["filenode"] not in took.get(name, {row["filenode"]}):
            continue
        replaced = row["filenode"] != present.get(row["table_oid"])
        if (
            replaced
            or (row["filenode"] in old)
            or lost.found[name]["mechanism"] not in ("truncate", "drop", "recreate")
        ):
            told[name] = told.get(name, 0) + (row["rows"] or 0)
    return told


def _files_taken(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict[str, set[int]]:
    """The files of each damaged table that its group's transaction let go or deleted from, where the WAL has those.

    What came into the table after that went with a repetition of the loss, and nobody misses it.
    """
    own = {group.xid % EPOCH: group for group in lost.groups if group.xid is not None}
    top = {xid: row["xid"] for row in rows(evidence["wal_transactions"]) for xid in _ids(row)}
    taken: dict[str, set[int]] = {}
    names = {row["oid"]: name for name, row in lost.found.items() if row["oid"] is not None}
    by_top = {top.get(xid, xid): group for xid, group in own.items()}
    for row in rows(evidence["wal_changes"]):
        name, group = names.get(row["table_oid"]), by_top.get(row["xid"])
        if name and group and name in group.tables and row["operation"] in ("removed", "delete"):
            taken.setdefault(name, set()).add(row["filenode"])
    return taken


def rows_of_dropped(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> int:
    """Rows in the WAL of files that no table has any more and that went with a transaction: of dropped tables.

    Their TOAST tables are among them, so that it is no number of rows to promise.
    """
    if not any(row.get("oid") is None or row.get("mechanism") in REPLACES for row in lost.found.values()):
        return 0
    ended = culprit(lost, evidence)
    ran = [row for row in rows(evidence["wal_transactions"]) if row["outcome"] == "committed"]
    # What was made anew has another OID: the transaction that dropped the one before is not known by it.
    took = [ended] if ended and ended["old_files"] else [row for row in ran if _inside(row["ended_at"], lost)] or ran
    old = {name for row in took for name in row["old_files"]}
    return sum(
        row["rows"] or 0
        for row in rows(evidence["wal_rows"])
        if row["table_oid"] is None and any(name.endswith(f"/{row['database_oid']}/{row['filenode']}") for name in old)
    )


def segment_of(lsn: str, timeline: int, size: int = 16 << 20) -> str:
    """Name of the WAL segment that holds a position.

    >>> segment_of("0/3000028", 1)
    '000000010000000000000003'
    """
    high, _, low = lsn.partition("/")
    number = ((int(high, 16) << 32) + int(low, 16)) // size
    per = (1 << 32) // size
    return f"{timeline:08X}{number // per:08X}{number % per:08X}"
