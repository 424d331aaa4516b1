"""What sessions, triggers and loads do to tables: a deletion still under way, one that no statement names, a COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from triage_kit import sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.statements import FAILURES, resolver

REMOVING = ("delete", "truncate", "drop_table")
ROUTINES = ("call", "do")


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


def loaded_tables(evidence: Mapping[str, pd.DataFrame], names: Sequence[str]) -> dict[str, Observation]:
    """Tables into which a COPY was seen, in the log or in pg_stat_statements: a restore loads so, a bulk load too."""
    resolve, found = resolver(names), {}
    for text, where, says in _copies(evidence):
        for each in sql.effects(text):
            if each.operation == "copy_in":
                found.setdefault(resolve(each), Observation(("copy",), f"{says}: {text[:160]}", where, "", "log"))
    return found


def _copies(evidence: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, str, str]]:
    events, entries = evidence["log_events"], evidence["statements"]
    here = set(evidence["identity"]["database"].dropna())
    for row in rows(events[events["statement"].str.contains("(?i)^\\s*copy\\s", regex=True).fillna(False)]):
        if row["severity"] not in FAILURES and (not here or row["database"] in (*here, None)):
            yield row["statement"], f"{row['file']}:{row['line']}", "seen in the log"
    for row in rows(entries[entries["text"].str.contains("(?i)^\\s*copy\\s", regex=True).fillna(False)]):
        if not here or row["database"] in here:
            yield row["text"], "pg_stat_statements", f"{row['calls']} calls, {row['rows']} rows, by {row['role']}"
