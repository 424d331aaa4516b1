"""Evidence rows for what the report says beside the weighed signals: events, keys, ways back, migration files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.ledger import Ledger

MOST_EVENTS = 500  # as many events of other kinds as a page lists; statements, losses and notes are all cited
ALWAYS = ("loss", "statement", "note")
MOST_KEYS = 500
MOST_FILES = 200
# What a way back rests on: settings by name, and what the collector asked, as (view, question).
RESTS_ON: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "pitr": (("archive_mode",), (("pg_stat_archiver", "archiver"),)),
    "standby": ((), (("pg_stat_replication", "replication"),)),
    "wal": (("wal_level",), (("pg_ls_waldir", "wal_files"),)),
    "log_replay": (("log_statement",), ()),
    "dead_rows": ((), (("pg_stat_user_tables", "table_counters"),)),
    "unhide": ((), (("pg_policy", "policies"),)),
}


def of_events(timeline: pd.DataFrame, losses: Mapping[str, Sequence[str]], ledger: Ledger) -> pd.DataFrame:
    """The table ``timeline`` with an evidence row for every event that a page lists.

    Parameters
    ----------
    timeline : frame of that name, oldest first.
    losses : ids of evidence rows by the name of a group, for the events that tell its loss.
    """
    told, others = [], 0
    for row in rows(timeline):
        found = row["evidence"]
        if found is None and row["kind"] == "loss":
            found = next(iter(losses.get(str(row["text"]).partition(":")[0], ())), None)
        others += row["kind"] not in ALWAYS
        if found is None and (row["kind"] in ALWAYS or others <= MOST_EVENTS):
            found = ledger.add(str(row["kind"]), str(row["text"]), str(row["source"]), "", row["at"])
        told.append(found)
    return timeline.assign(evidence=pd.Series(told, dtype="str", index=timeline.index))


def of_keys(keys: pd.DataFrame, damaged: set[str], ledger: Ledger) -> pd.DataFrame:
    """The table ``foreign_keys`` with an evidence row for each key of a damaged table, the first 500 of them."""
    told, left = [], MOST_KEYS
    for row in rows(keys):
        if left and damaged & {row["child"], row["parent"]}:
            left -= 1
            action = str(row["on_delete"]).replace("_", " ").upper()
            says = f"{row['child']} references {row['parent']}, ON DELETE {action}"
            told.append(ledger.add("foreign keys", says, "pg_constraint", str(row["name"])))
        else:
            told.append(None)
    return keys.assign(evidence=pd.Series(told, dtype="str", index=keys.index))


def of_ways(
    recovery: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], losses: Mapping[str, Sequence[str]], ledger: Ledger
) -> pd.DataFrame:
    """The table ``recovery`` with the evidence rows that each way back rests on, where it names none itself."""
    told = []
    for row in rows(recovery):
        names, views = RESTS_ON.get(str(row["option"]), ((), ()))
        found = list(row["because"]) or [*of_settings(names, evidence, ledger), *of_answers(views, evidence, ledger)]
        if row["option"] == "wal" and row["feasible"] and row["why"]:  # what was read there is what proves it
            found.insert(0, ledger.add("wal", str(row["why"]), "pg_wal"))
        if not found:
            found = [proof for proofs in losses.values() for proof in list(proofs)[:1]]
        told.append(tuple(found))
    return recovery.assign(because=pd.Series(told, dtype="object", index=recovery.index))


def of_settings(names: Iterable[str], evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> list[str]:
    """Evidence rows of these server settings, as far as they were read."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    return [
        ledger.add("server", f"{name} = {settings[name]}", "pg_settings", name) for name in names if name in settings
    ]


def of_answers(views: Iterable[tuple[str, str]], evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> list[str]:
    """Evidence rows that say what the collector's questions (view, question) were answered, or why they were not."""
    asked = {row["source"]: row for row in rows(evidence["questions"])}
    return [
        ledger.add("server", f"{view} {_answer(asked.get(source), len(evidence.get(source, ())))}", view, source)
        for view, source in views
    ]


def of_backups(evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> list[str]:
    """Evidence rows of the backups that the case names, or the one that it names none."""
    if any(row["source"] == "backups" for row in rows(evidence["questions"])):
        return of_answers([("backups of the case", "backups")], evidence, ledger)
    return [ledger.add("case", "no backup is named in the case", "case.yaml", "backups")]


def _answer(question: dict | None, count: int) -> str:
    if question is None:
        return "was not asked"
    if question["status"] != "answered":
        return f"gave no answer: {question['reason'] or question['status']}"
    return f"answered with {count} row{'' if count == 1 else 's'}"


def of_migrations(operations: pd.DataFrame, ledger: Ledger) -> None:
    """Enter one row a migration file: how many operations were read in it, and how many of them can remove rows."""
    given = operations[operations["direction"].fillna("up") == "up"]
    for path, own in list(given.groupby("path", sort=True))[:MOST_FILES]:
        costly = sum(sql.lost_by(row) == "rows" for row in rows(own))
        can = f"{costly} of them can remove rows" if costly else "none of them removes rows"
        ledger.add("repository", f"{len(own)} operation{'' if len(own) == 1 else 's'} read, {can}", str(path))


def by_group(findings: pd.DataFrame, explaining: pd.DataFrame) -> dict[str, list[str]]:
    """Ids of the evidence rows of each group: what explains it first, then what speaks for its tables."""
    found: dict[str, list[str]] = {}
    for row in rows(schemas.check(explaining, "explaining_statements")):
        if row["group"] and row["evidence"]:
            found.setdefault(row["group"], []).append(row["evidence"])
    for row in rows(schemas.check(findings, "findings")):
        if row["group"]:
            found.setdefault(row["group"], []).extend(row["because"])
    return found
