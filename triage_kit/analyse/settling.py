"""What would still settle a cause: sources that tell and were not read yet, and people who know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import Inquiry, answered

HIDDEN = "<insufficient privilege>"
QUIET = pd.Timedelta(days=1)  # judgement: so long a server may have nothing to write before its log is an old one
PEOPLE = "the people who had access"
# cause: what shows it, and the source of this kit that tells the same; None where it reads none
SHOWS: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "manual_session": (("the shell and psql histories of the hosts that reach this database", None),),
    "scheduled_job": (("the schedulers' own logs of that time", None),),
    "migration": (("the log of the deployment", None), ("the migration tool's version table", "version_tables")),
    "application": (("the application's own log and its release of that time", None),),
    "test_run": (("the database that the tests' settings name", None),),
    "restore": (
        ("the histories of pg_restore and psql", None),
        ("whether one transaction (min and max of xmin) wrote what stands", "row_transactions"),
    ),
    "storage_replaced": (("when each volume was made", "volumes"),),
    "crash": (("the log of the host of that time", None),),
    "replication": (("the log of the server that is replicated from", None),),
}
ANYBODY = (  # whoever it was
    ("pg_stat_statements with its roles", "statements"),
    ("the WAL of the transaction", "wal"),
    ("the server log of that time", "logs"),
    ("the repository with its migrations, jobs and scripts", "repository"),
)


def would_settle(cause: str, group: Group | None, inquiry: Inquiry) -> str:
    """What would show whether it was this cause, as far as it was not read yet; of an open one, also whom to ask."""
    left = [words for words, source in SHOWS.get(cause, ()) if source is None or not READ[source](group, inquiry)]
    left += [words + beyond(source, inquiry) for words, source in ANYBODY if not READ[source](group, inquiry)]
    if cause not in SHOWS:
        left.append(PEOPLE)
    return "; ".join(left or [PEOPLE])


def beyond(source: str, inquiry: Inquiry) -> str:
    """That some of a source was read, and not what is needed."""
    some = {"wal": "wal_spans", "logs": "log_sources"}.get(source)
    return " (what was read does not reach it)" if some and len(inquiry.evidence[some]) else ""


def statements_unread(evidence: Mapping[str, pd.DataFrame]) -> bool:
    """Whether pg_stat_statements may tell more to another role; where it is not there, it tells nobody anything."""
    if answered(evidence, "statements"):
        return bool((evidence["statements"]["text"] == HIDDEN).any())
    asked, settings = evidence["questions"], evidence["settings"]
    lacking = ((asked["source"] == "statements") & (asked["status"] == "unavailable")).any()
    loaded = settings.loc[settings["name"] == "shared_preload_libraries", "value"].fillna("")
    return not lacking or bool(loaded.str.contains("pg_stat_statements", regex=False).any())


def _wal(group: Group | None, inquiry: Inquiry) -> bool:
    """Whether the WAL that was read holds the transaction of the group, or would where nobody knows which it was."""
    if group is None or group.xid is None:
        return bool(len(inquiry.evidence["wal_spans"]))
    told = inquiry.evidence["wal_transactions"]
    held = {*told["xid"], *(int(sub) for each in told["subxids"] for sub in each)}
    return group.xid % (1 << 32) in held


def _log(group: Group | None, inquiry: Inquiry) -> bool:
    """Whether the log was read from before the loss on."""
    begins, ends = inquiry.evidence["log_sources"]["first_at"].min(), inquiry.evidence["log_sources"]["last_at"].max()
    mine = [row for row in inquiry.findings if group is not None and row.get("group") == group.name]
    losses = [row.get("committed_at") or row.get("lost_to") for row in mine]
    return pd.notna(begins) and all(begins <= at <= ends + QUIET for at in losses if at is not None)


READ: Mapping[str, Callable[[Group | None, Inquiry], bool]] = {
    "statements": lambda group, inquiry: not statements_unread(inquiry.evidence),
    "wal": _wal,
    "logs": _log,
    "repository": lambda group, inquiry: any(
        len(inquiry.evidence[name]) for name in ("migrations", "code_hits", "commits")
    ),
    "version_tables": lambda group, inquiry: answered(inquiry.evidence, "version_tables"),
    # No question of its own: it comes with each count.
    "row_transactions": lambda group, inquiry: bool(len(inquiry.evidence["row_transactions"])),
    "volumes": lambda group, inquiry: bool(len(inquiry.evidence["volumes"])) or inquiry.about.initdb_at is not None,
}
