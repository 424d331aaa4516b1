"""From an evidence row to its source: what was asked, when, as which role, and the file that holds the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.html import Html, tag, text

# The question that reads a view, for those whose name is another.
QUESTIONS = {
    "pg_class": "relations",
    "pg_attribute": "columns",
    "pg_constraint": "constraints",
    "pg_stat_user_tables": "table_counters",
    "pg_stat_all_tables": "table_counters",
    "pg_control_system": "identity",
    "pg_postmaster_start_time": "identity",
    "pg_stat_file": "file_times",
    "pg_stat_bgwriter": "cluster_counters",
    "pg_stat_archiver": "archiver",
    "pg_stat_database": "database_counters",
    "pg_stat_activity": "activity",
    "pg_stat_statements": "statements",
    "pg_stat_replication": "replication",
    "pg_subscription": "replication",
    "pg_settings": "settings",
    "pg_policy": "policies",
    "pg_policies": "policies",
    "pg_trigger": "triggers",
    "pg_index": "indexes",
    "pg_sequences": "sequences",
    "pg_ls_waldir": "wal_files",
    "pg_ls_logdir": "log_files",
    "pg_xact_commit_timestamp": "commit_times",
    "pg_database": "databases",
    "pg_roles": "roles",
    "pg_extension": "extensions",
    "pg_namespace": "namespaces",
    "pg_prepared_xacts": "prepared",
    "pg_locks": "locks",
}
COMMIT = re.compile(r"[0-9a-f]{7,40}")
LINE = re.compile(r":\d+$")
OWN = {
    "case.yaml": "what the case itself says",
    "collection": "the run that collected this evidence",
    "analysis": "concluded by this kit from the evidence rows it names",
}


def place(source: object) -> str:
    """Id of the row of ``source_list`` for that source: any name gives one, and equal names the same.

    >>> place("log:log/a.log")
    'Q-log.3alog.2fa.2elog'
    """
    return "Q-" + re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}", str(source))


def question(source: object) -> str:
    """The question that answers for an evidence row's source: a view, ``file:line``, a commit, ``case.yaml``.

    >>> question("pg_class"), question("log/a.log:7"), question("db/086.py:106"), question("8dcd87e0ec57")
    ('relations', 'log:log/a.log', 'migrations', 'commits')
    """
    words = str(source)
    if words in QUESTIONS or words in OWN:
        return QUESTIONS.get(words, words)
    path = LINE.sub("", words)
    if COMMIT.fullmatch(words):
        return "commits"
    if re.search(r"\.(py|sql|rb|js|ts|php|go|java|xml|ya?ml)$", path):
        return "migrations"
    return f"log:{path}" if path != words else words


def link(source: object) -> Html:
    """The source's name as a link to its row in ``source_list``; the page unties links that lead nowhere."""
    shown = html.name(source)
    return tag("a", shown, href="#" + place(question(source))) if shown else shown


def source_list(questions: pd.DataFrame, timezone: object = None, files: Sequence[Mapping[str, object]] = ()) -> Html:
    """Every question with its answer, when and as which role it was asked, and the file that holds the answer.

    Parameters
    ----------
    questions : evidence table of that name.
    timezone : shown beside UTC.
    files : the manifest's entries (path, sha256, and table or source), for file names and hashes.
    """
    kept: dict[object, Mapping[str, object]] = {}
    for entry in files:
        key = f"log:{entry.get('source')}" if entry.get("kind") == "raw" else entry.get("table")
        kept.setdefault(key, entry)
    given = schemas.check(questions, "questions").drop_duplicates("source", keep="last").to_dict("records")
    views: dict[str, list[str]] = {}
    for view, asked in QUESTIONS.items():
        views.setdefault(asked, []).append(view)
    rows = [
        [
            html.name(row["source"]),
            html.names(views.get(str(row["source"]), ()), absent=""),
            _answer(row),
            html.moment(row["asked_at"], timezone) if pd.notna(row["asked_at"]) else "",
            html.name(row["role"]),
            html.name(row["variant"]),
            _file(kept.get(row["source"])),
        ]
        for row in given
    ]
    rows += [[html.name(name), "", said, "", "", "", ""] for name, said in OWN.items()]
    names = [*(row["source"] for row in given), *OWN]
    headers = ["Source", "Views", "Answer", "Asked", "Role", "Query", "File and SHA-256"]
    return html.table("What was asked, and what answered", headers, rows, row_ids=[place(name) for name in names])


def _answer(row: Mapping[str, object]) -> Html:
    if row["status"] != "answered":
        return html.join([str(row["status"]).replace("_", " "), ": ", text(row["reason"])])
    return text("answered" if pd.isna(row["rows"]) else style.things(int(row["rows"]), "row"))


def _file(entry: Mapping[str, object] | None) -> Html:
    if entry is None:
        return text("")
    return html.join([html.name(entry.get("path")), " ", tag("small", str(entry.get("sha256"))[:16], "…")])
