"""Loads that brought nothing: imports that were never committed, or failed; who ran them, when and from which file.

Nobody lost a row by them, and yet their rows are missed. The WAL has the transaction with its rows and its end, the log
the role and the text; without an xid in the log (``%x``) the session is taken that last loaded these tables before.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import in_order, rows
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.records import Records
from triage_kit.analyse.statements import FAILURES, OPENINGS, resolver

MOST = 50  # a server under a retrying job has thousands
_LOADING = re.compile(r"(?i)\b(?:insert\s+into|copy)\b")
_FILE = re.compile(r"(?is)\bfrom\s+(?:program\s+)?'((?:[^']|'')+)'")
_LONG = pd.Timedelta(days=1)  # that a transaction is taken to last at most
_WHO = ("role", "application", "client", "pid")


@dataclass(frozen=True)
class _Line:
    """One statement of the log that loads a table in question."""

    event: dict
    table: str
    whole: bool  # COPY: by whatever was loaded with it, it is an import

    @property
    def failed(self) -> bool:
        return self.event["severity"] in FAILURES or self.event["outcome"] == "failed"


def in_vain(
    findings: Sequence[dict], evidence: Mapping[str, pd.DataFrame], wal: Records, ledger: Ledger
) -> pd.DataFrame:
    """Table ``undone_loads``, oldest first: of tables whose loads were rolled back, and of those that people miss.

    Parameters
    ----------
    findings : one dict a table, as in ``findings``.
    wal : what the WAL has of transactions and their tables.
    ledger : gets a row for each line of the log and each transaction that is told.
    """
    undone = {_name(row): row.get("oid") for row in findings if row["mechanism"] == "rollback"}
    missed = {_name(row) for row in findings if row["reported"] and row["status"] == "intact"}
    if not undone and not missed:
        return schemas.empty("undone_loads")
    names = {_name(row) for row in findings}
    lines = list(_lines(evidence["log_events"], set(undone) | missed, names))
    told = [*_of_wal(undone, lines, wal, {row.get("oid"): _name(row) for row in findings}, ledger)]
    used = {id(line) for own, _ in told for line in own}
    told += [([], row) for row in _of_log([line for line in lines if id(line) not in used], set(undone), ledger)]
    early = pd.Timestamp(0, tz="UTC")
    found = sorted((row for _, row in told), key=lambda row: row.get("began_at") or row.get("ended_at") or early)
    return schemas.frame("undone_loads", found[-MOST:])


def _name(row: Mapping) -> str:
    return schemas.qualified(row["schema"], row["table"])


def _lines(log_events: pd.DataFrame, wanted: set[str], names: Iterable[str]) -> Iterator[_Line]:
    """Statements that load one of the tables, in the order of their time."""
    short = "|".join(re.escape(schemas.parts(name)[1]) for name in sorted(wanted))
    texts = log_events["statement"].fillna("")
    mine = texts.str.contains(_LOADING) & texts.str.contains(f"(?i){short}", regex=True) & log_events["at"].notna()
    resolve = resolver(names)
    for event in sorted(rows(log_events[mine]), key=lambda row: (row["at"], in_order(f"{row['file']}:{row['line']}"))):
        for effect in sql.effects(event["statement"]):
            if effect.operation in ("insert", "copy_in") and (table := resolve(effect)) in wanted:
                yield _Line(event, table, effect.operation == "copy_in")


def _of_wal(
    undone: Mapping[str, int | None], lines: Sequence[_Line], wal: Records, names: Mapping, ledger: Ledger
) -> Iterator[tuple[list[_Line], dict]]:
    """Transactions of the WAL that put rows into these tables and were rolled back, each with its session."""
    put: defaultdict[int, dict[str, int]] = defaultdict(dict)
    ended: dict[int, pd.Timestamp | None] = {}
    for oid, changes in wal.changes.items():
        for each in changes:
            if each.operation == "insert" and each.outcome == "rolled_back" and oid in names:
                put[each.xid][names[oid]] = each.rows
                ended[each.xid] = each.ended_at
    mine = {xid for xid, tables in put.items() if undone.keys() & tables.keys()}
    used: set[int] = set()
    last = pd.Timestamp.max.tz_localize("UTC")
    for xid in sorted(mine, key=lambda xid: (ended[xid] or last, xid)):
        own = _session_of(xid, put[xid], ended[xid], [line for line in lines if id(line) not in used])
        used |= {id(line) for line in own}
        says = f"transaction {xid} inserted {_counted(put[xid])} and was rolled back"
        proof = ledger.add("wal", says, "pg_wal", str(xid), ended[xid])
        yield own, _row(own, tuple(sorted(put[xid])), ledger) | {
            "xid": xid, "rows": sum(put[xid].values()), "outcome": "rolled_back", "ended_at": ended[xid],
            "evidence": (proof, *_proofs(own, ledger)),
        }  # fmt: skip


def _session_of(xid: int, put: Mapping[str, int], ended: pd.Timestamp | None, lines: Sequence[_Line]) -> list[_Line]:
    """The lines of the session that ran a transaction: by its xid, else of those that wrote most of its tables, the
    one that did so last before it ended."""
    exact = [line for line in lines if line.event["xid"] == xid]
    if exact or ended is None:
        return exact
    fitting: defaultdict[tuple, list[_Line]] = defaultdict(list)
    for line in lines:  # a stamp in whole seconds is never later than its line
        if line.table in put and ended - _LONG <= line.event["at"] <= ended and not line.event["xid"]:
            fitting[line.event["file"], line.event["pid"]].append(line)
    whole = {name for name in put if name in {line.table for line in lines}}
    able = [own for own in fitting.values() if {line.table for line in own} == whole]
    return max(able, key=lambda own: (own[-1].event["at"], -own[-1].event["line"]), default=[])


def _of_log(lines: Sequence[_Line], undone: set[str], ledger: Ledger) -> Iterator[dict]:
    """Loads that the log itself says were rolled back, and COPY that failed: one a session and end."""
    found: defaultdict[tuple, list[_Line]] = defaultdict(list)
    for line in lines:
        over = line.event["outcome"] == "rolled_back"
        if (over and line.table in undone) or (line.failed and (line.whole or line.table in undone)):
            found[line.event["file"], line.event["pid"], line.failed].append(line)
    for (*_, failed), own in found.items():
        said = next((line.event["message"] for line in own if line.failed and _says_why(line.event["message"])), None)
        yield _row(own, tuple(dict.fromkeys(line.table for line in own)), ledger) | {
            "outcome": "failed" if failed else "rolled_back", "message": said, "evidence": _proofs(own, ledger),
        }  # fmt: skip


def _says_why(message: str | None) -> bool:
    return bool(message) and not message.startswith(OPENINGS)  # type: ignore[union-attr]


def _row(own: Sequence[_Line], tables: tuple[str, ...], ledger: Ledger) -> dict:
    if not own:
        return {"tables": tables}
    first = own[0].event
    files = [named[1].replace("''", "'") for line in own if (named := _FILE.search(line.event["statement"]))]
    return {
        "tables": tables,
        "began_at": first["at"],
        "text": schemas.cut(" ".join(first["statement"].split()), 300),
        "file": files[0] if files else None,
        "source": f"{first['file']}:{first['line']}",
        **{key: first[key] for key in _WHO},
    }


def _proofs(own: Sequence[_Line], ledger: Ledger) -> tuple[str, ...]:
    """Evidence rows of the first and the last line."""
    ends = [own[0], own[-1]] if len(own) > 1 else own
    return tuple(
        dict.fromkeys(
            ledger.add(
                "log", f"load: {schemas.cut(' '.join(line.event['statement'].split()), 200)}",
                f"{line.event['file']}:{line.event['line']}", at=line.event["at"],
            )
            for line in ends
        )
    )  # fmt: skip


def _counted(put: Mapping[str, int]) -> str:
    each = [f"{count:,} row{'' if count == 1 else 's'} into {name}" for name, count in sorted(put.items())]
    return ", ".join(each[:4]) + (f" and {len(each) - 4} more" if len(each) > 4 else "")
