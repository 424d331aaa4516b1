"""What sessions, triggers and loads do to tables: a deletion still under way, one that no statement names, a COPY."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from triage_kit import sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.hands import kinds
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.statements import FAILURES, resolver

REMOVING = ("delete", "truncate", "drop_table")
ROUTINES = ("call", "do")
# PostgreSQL source, pg_dump.c, dumpTableData: COPY with the schema and all columns, FROM stdin in small letters, which
# psql's own \copy and most drivers write large.
_NAMED = r'(?:[^\W\d]\w*|"(?:[^"]|"")+")'
_WRITTEN_BY_DUMP = re.compile(rf"COPY {_NAMED}\.{_NAMED} \({_NAMED}(?:, {_NAMED})*\) FROM stdin;?\s*\Z")


def busy_tables(evidence: Mapping[str, pd.DataFrame], names: Sequence[str]) -> dict[str, Observation]:
    """Tables that a running session is removing rows from; the key ``""`` stands for routines that may touch any.

    Measured on 13, 15 and 18: a procedure that deleted, committed and still runs has not reported its counters.
    """
    resolve, found = resolver(names), {}
    here = {row["database"] for row in rows(evidence["identity"])}
    for row in rows(evidence["activity"]):
        text = row["query"] or ""
        if row["database"] not in here or row["state"] not in ("active", "idle in transaction"):
            continue
        since = row["transaction_at"] or row["query_at"]
        who = f"{row['role'] or 'a role'} / {row['application'] or 'no application name'}"
        says = f"session {row['pid']} of {who} is {row['state']}{f' since {since}' if since is not None else ''}"
        effects = sql.effects(text) if sql.suspicious(text) else []
        for each in effects:
            if each.operation in REMOVING:
                name = resolve(each)
                told = Observation(
                    ("removing",), f"{says}: {text[:200]}", "pg_stat_activity", str(row["pid"]), "server"
                )
                found.setdefault(name, told)
        if any(each.operation in ROUTINES or each.within == "do" for each in effects):
            told = Observation(("routine",), f"{says}: {text[:200]}", "pg_stat_activity", str(row["pid"]), "server")
            found.setdefault("", told)
    return found


def trigger_tables(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], names: Sequence[str]
) -> dict[str, Observation]:
    """Tables from which the function of an enabled trigger on another table removes rows."""
    resolve, found = resolver(names), {}
    owners = {table.oid: table.name for table in tables}
    for row in rows(evidence["triggers"]):
        body = row["function_body"] or ""
        if row["enabled"] == "disabled" or not sql.suspicious(body):
            continue
        for each in sql.effects(f"DO $triage_kit${body}$triage_kit$"):
            if each.operation in REMOVING:
                where = owners.get(row["table_oid"], "an event")
                says = f"the trigger {row['name']} of {where} runs {row['function']}, which does {each.operation} on it"
                found.setdefault(resolve(each), Observation(("removes",), says, "pg_trigger", row["name"]))
    return found


class Copy(NamedTuple):
    """One COPY that was seen: its text, where, how many rows it loaded if known, and whether a dump was read by it.

    ``repeated`` where it ran more than once under a role that is named after no tool: psql's own COPY is written alike,
    and a job loads again and again.
    """

    text: str
    where: str
    says: str
    rows: int | None
    dump: bool
    repeated: bool = False


def copies_in(evidence: Mapping[str, pd.DataFrame], names: Sequence[str]) -> dict[str, list[Copy]]:
    """Every COPY that was seen, by the table that it loaded."""
    resolve, found = resolver(names), defaultdict(list)
    for copy in (*_copies_logged(evidence), *_copies_counted(evidence)):
        for each in sql.effects(copy.text):
            if each.operation == "copy_in":
                found[resolve(each)].append(copy)
    return dict(found)


def loaded_tables(copies: Mapping[str, Sequence[Copy]]) -> dict[str, Observation]:
    """Tables into which a COPY was seen, in the log or in pg_stat_statements: a restore loads so, a bulk load too."""
    return {
        name: Observation(("copy",), f"{first.says}: {first.text[:160]}", first.where, "", "log")
        for name, (first, *_) in copies.items()
    }


def dumped_tables(copies: Mapping[str, Sequence[Copy]]) -> dict[str, Copy]:
    """Tables into which rows of a dump were loaded: by the COPY that pg_dump writes, or by a session of its tools."""
    dumps = {name: next((each for each in own if each.dump), None) for name, own in copies.items()}
    return {name: copy for name, copy in dumps.items() if copy is not None}


def _copies_logged(evidence: Mapping[str, pd.DataFrame]) -> Iterator[Copy]:
    for row in rows(_of_copy(evidence["log_events"], "statement", evidence)):
        if row["severity"] not in FAILURES:
            dump = _of_dump(row["statement"], row["application"], row["role"])
            yield Copy(row["statement"], f"{row['file']}:{row['line']}", "seen in the log", None, dump)


def _copies_counted(evidence: Mapping[str, pd.DataFrame]) -> Iterator[Copy]:
    for row in rows(_of_copy(evidence["statements"], "text", evidence)):
        says = f"{row['calls']} calls, {row['rows']} rows, by {row['role']}"
        repeated = (row["calls"] or 1) > 1 and "restore" not in kinds(row["role"])
        yield Copy(row["text"], "pg_stat_statements", says, row["rows"], _of_dump(row["text"], row["role"]), repeated)


def _of_copy(frame: pd.DataFrame, column: str, evidence: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of a frame that hold a COPY in this database, or in one that is not told."""
    here = set(evidence["identity"]["database"].dropna())
    found = frame[frame[column].str.contains("(?i)^\\s*copy\\s", regex=True).fillna(False)]
    return found[found["database"].isna() | found["database"].isin(here)] if here else found


def _of_dump(text: str, *names: str | None) -> bool:
    return bool(_WRITTEN_BY_DUMP.match(text)) or "restore" in kinds(*names)
