"""What the report says of its own basis: server, incident, gaps, and how much of each source was read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.applied import migration_states, standing
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.inquiry import answered
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.managed import recognise
from triage_kit.analyse.silence import Visibility

NO_LOG = {
    "source": "logs",
    "reason": "the case names no server log, and none was found",
    "costs": "which statements failed or were logged, who was connected, and when checkpoints ran",
    "named": False,
}
# What a case names where there is any: how a reader calls it, and the tables that hold what it gave.
MAY_BE_NAMED = {
    "repository": ("a repository (migrations, jobs, scripts)", ("migrations", "code_hits", "commits")),
    "backups": ("backups", ("backups",)),
    "containers": ("containers and volumes", ("containers", "volumes")),
    "baseline": ("an earlier bundle", ("baseline",)),
}
NOT_NAMED = "not named in the case"
COUNTED = {"exact": "counted", "empty_file": "by an empty file", "damaged": "damaged", "none": "not counted"}
DATING = ("commit_times",)  # what tells when a transaction committed, and nothing else


def server_facts(evidence: Mapping[str, pd.DataFrame], about: Context) -> dict:
    """The ``server`` object of findings.json; all None without a server."""
    identity = first(evidence["identity"])
    keys = (
        "version",
        "version_num",
        "system_identifier",
        "database",
        "role",
        "in_recovery",
        "initdb_at",
        "started_at",
        "wal_level",
        "timeline",
    )
    facts = {key: identity.get(key) for key in keys}
    return facts | {
        "counters_since": about.counters_since,
        "crashed_at": about.crashed_at,
        "host": first(evidence["collection"]).get("host"),
        "tables_bytes": _bytes(evidence["storage"]),
        "migrations": _migrations(evidence["version_tables"]),
    }


def _bytes(storage: pd.DataFrame) -> int | None:
    """What the tables that were looked at take on disk, with indexes and TOAST; None where no size is known."""
    parts = storage[["heap_bytes", "fsm_bytes", "vm_bytes", "toast_bytes", "index_bytes"]]
    return int(parts.sum().sum()) if parts.notna().any(axis=None) else None


def _migrations(versions: pd.DataFrame) -> list[str]:
    """The newest version in each table of a migration tool, and where a tool keeps but one, that one."""
    newest = versions.sort_values(["applied_at", "version"], na_position="first").groupby(["tool", "schema", "table"])
    return sorted(newest["version"].last().dropna())


def incident_facts(evidence: Mapping[str, pd.DataFrame]) -> dict:
    """The row of ``incident`` with when and by which version of the kit its evidence was collected."""
    collection = first(evidence["collection"])
    return first(evidence["incident"]) | {
        key: collection.get(key) for key in ("collected_at", "kit_version", "schemas")
    }


def gaps(questions: pd.DataFrame, groups: pd.DataFrame, log_sources: pd.DataFrame, did: pd.DataFrame) -> pd.DataFrame:
    """Table ``gaps``: every source without an answer, with its reason and what that costs; no log is one of them.

    A log that begins after a loss of ``groups`` is one as well, and costs less where another source holds the
    statement (``did``, the frame ``culprits``). What only dates a loss costs nothing where each is dated by its commit
    all the same.
    """
    found = [row for row in rows(questions) if row["status"] != "answered"]
    if len(questions) and not questions["source"].str.startswith(("log:", "logs")).any():
        found.insert(0, NO_LOG)
    elif (late := _log_begins_late(groups, log_sources, did)) is not None:
        found.insert(0, late)
    if schemas.by_commits(groups):
        by = ", ".join(dict.fromkeys(groups["dated_by"].dropna())) or "another source"
        for row in found:
            if row["source"] in DATING:
                row["costs"] = f"nothing here, but a second clock: every loss is dated by its commit ({by})"
    return schemas.frame("gaps", [{key: row[key] for key in ("source", "reason", "costs", "named")} for row in found])


def _log_begins_late(groups: pd.DataFrame, log_sources: pd.DataFrame, did: pd.DataFrame) -> dict | None:
    begins = log_sources["first_at"].min()
    losses = groups["committed_at"].fillna(groups["lost_to"]).dropna()
    if pd.isna(begins) or losses.empty or losses.min() >= begins:
        return None
    seen = set(groups.loc[losses.index[losses < begins], "group"]) <= set(did.loc[did["text"].notna(), "group"])
    unknown = "the values of the statement that was seen, its session" if seen else "which statement it was, who ran it"
    return {
        "source": "logs",
        "reason": f"the log that was read begins at {begins:%Y-%m-%d %H:%M:%S.%f} UTC, after a loss "
                  f"({losses.min():%Y-%m-%d %H:%M:%S.%f} UTC): the files before it were not there",
        "costs": f"{unknown}, and who else was connected then",
        "named": False,
    }  # fmt: skip


def coverage(evidence: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table ``coverage``: lines parsed and not, tables counted and not, the span of each source, remarks on answers.

    A remark is what a collector said of a source that it did read: what the run wrote to the WAL, a connection that
    was lost in between, files that were passed over.
    """
    found = []
    for row in rows(evidence["log_sources"]):
        entries = f"{row['entries']} entr{'y' if row['entries'] == 1 else 'ies'}"
        unread = f"{_things(row['unparsed'], 'line')} not understood" if row["unparsed"] else "every one understood"
        read = f"{entries} in {_things(row['lines'], 'line')} ({row['format']}), {unread}"
        found.append({"source": row["file"], "read": read, "from": row["first_at"], "to": row["last_at"]})
    counts = evidence["row_counts"]
    if len(counts):
        known = counts["rows"].notna().sum()
        # A reader who is told not to SELECT from a table wants to know that this was not done.
        spared = first(evidence["incident"]).get("counting") == "safe"
        words = COUNTED | ({"exact": "counted in a way that leaves dead rows where they are"} if spared else {})
        methods = ", ".join(
            f"{number} {words.get(method, f'by {method}')}"
            for method, number in counts["method"].value_counts().sort_index().items()
        )
        told = f"{known} of {len(counts)} tables known exactly: {methods}"
        found.append({"source": "row counts", "read": told})
    answered = (evidence["questions"]["status"] == "answered").sum()
    found.append({"source": "questions", "read": f"{answered} of {len(evidence['questions'])} answered"})
    found += _not_named(evidence)
    if len(evidence["migrations"]):
        found.append(
            {
                "source": "migrations",
                "read": _migrations_read(evidence),
                "from": evidence["migrations"]["created_at"].min(),
                "to": evidence["migrations"]["created_at"].max(),
            }
        )
    if len(evidence["commits"]):
        times = evidence["commits"]["committed_at"]
        found.append(
            {"source": "repository", "read": _things(len(times), "commit"), "from": times.min(), "to": times.max()}
        )
    remarks = [row for row in rows(evidence["questions"]) if row["status"] == "answered" and row["reason"]]
    found += [{"source": row["source"], "read": row["reason"]} for row in remarks]
    if len(evidence["containers"]) or len(evidence["volumes"]):
        engines = _things(len(evidence["containers"]), "container")
        read = f"{engines}, {_things(len(evidence['volumes']), 'volume')} inspected"
        found.append({"source": "containers", "read": read, "from": evidence["volumes"]["created_at"].min()})
    service = recognise(
        evidence["settings"]["name"],
        evidence["roles"]["name"],
        first(evidence["collection"]).get("host"),
        evidence["container_environment"]["name"],
    )
    if service is not None:
        known, sign = service
        words = f"{known.name}, known by {sign}: there is {known.has}; there is not {known.lacks}; log: {known.log}"
        found.append({"source": "managed service", "read": f"{words}; ways back: {known.recovery}"})
    return schemas.frame("coverage", found)


def _migrations_read(evidence: Mapping[str, pd.DataFrame]) -> str:
    """Files and operations, those forward told from those that undo, as the findings count the forward ones only."""
    operations = evidence["migration_operations"]
    back = int((operations["direction"] == "down").sum())
    apart = f" ({len(operations) - back} forward, {back} back)" if back else ""
    read = f"{_things(len(evidence['migrations']), 'file')} with {_things(len(operations), 'operation')}{apart}"
    asked = answered(evidence, "version_tables")
    return f"{read}; {standing(migration_states(evidence['migrations'], evidence['version_tables'], asked))}"


def _things(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _not_named(evidence: Mapping[str, pd.DataFrame]) -> list[dict]:
    """Sources that a case may name and this one does not: nobody refused them, nobody was asked."""
    asked = evidence["questions"]["source"].str.partition(":")[0] if len(evidence["questions"]) else []
    lacking = [words for source, (words, tables) in MAY_BE_NAMED.items()
               if source not in set(asked) and all(evidence[table].empty for table in tables)]  # fmt: skip
    return [{"source": NOT_NAMED, "read": ", ".join(lacking)}] if lacking else []


def note_settings(evidence: Mapping[str, pd.DataFrame], visible: Visibility, ledger: Ledger) -> str:
    """Enter what the log could have shown into the ledger, so that its silence is weighed in the open."""
    span = evidence["log_sources"]
    read = (
        f"; the log was read from {span['first_at'].min()} to {span['last_at'].max()}"
        if span["first_at"].notna().any()
        else "; no log was read"
    )
    return ledger.add("log", visible.why + read, "pg_settings", "log_statement")
