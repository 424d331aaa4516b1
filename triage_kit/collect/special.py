"""Questions that are more than one query: what to do beside the .sql files, and which part of an answer is lacking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from triage_kit import clock
from triage_kit.collect import harmless, questions, scope
from triage_kit.collect.asking import OPENING, Inquiry
from triage_kit.collect.questions import Question
from triage_kit.collect.server import Refused, in_chunks, quoted
from triage_kit.redact import HIDDEN as HIDDEN_VALUE
from triage_kit.redact import redact_under

HIDDEN = "<insufficient privilege>"
FOREIGN_BYTES = ("22021", "22P05")  # a text that this database's encoding cannot hold
NEEDS_MONITOR = ("data_directory", "log_directory", "config_file", "hba_file")
SECRET_SETTINGS = ("ssl_passphrase_command",)  # the whole command may be the secret
CONTROL = """
SELECT s.system_identifier::text AS system_identifier,
       pg_catalog.to_timestamp(s.system_identifier >> 32) AS initdb_at, c.timeline_id AS timeline,
       c.checkpoint_lsn::text AS checkpoint_lsn, c.checkpoint_time AS checkpoint_at, c.redo_lsn::text AS checkpoint_redo
FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c
"""
VIEWS = """
SELECT w.oid::bigint AS oid,
       CASE WHEN w.oid <> ALL (%(locked)s::oid[]) THEN pg_catalog.pg_get_viewdef(w.oid) END AS definition
FROM pg_catalog.unnest(%(oids)s::oid[]) AS w (oid)
"""
CURRENT_LOG = """
SELECT f.path FROM (VALUES (pg_catalog.pg_current_logfile('stderr')), (pg_catalog.pg_current_logfile('csvlog')),
                           (CASE WHEN %(json)s THEN pg_catalog.pg_current_logfile('jsonlog') END)) AS f (path)
WHERE f.path IS NOT NULL
"""
STATEMENTS = """
SELECT n.nspname::text AS schema, e.extversion AS version FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'
"""


def identity(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """The server with what its control file says, and how far its clock is from ours."""
    before = clock.now()
    variant, [row] = inquiry.read(question)
    after = clock.now()
    ahead = row["asked_at"] - before - (after - before) / 2
    row["clock_offset_ms"] = ahead.total_seconds() * 1000
    _tell_clock(inquiry, ahead)
    try:
        row |= inquiry.session.read(CONTROL)[0]
    except Refused as error:
        inquiry.lacking("identity: control file", str(error), error.status)
    return variant, [row]


def _tell_clock(inquiry: Inquiry, ahead: timedelta) -> None:
    """Go by the server's clock from now on, and say so where ours is another."""
    if differ := inquiry.draft.follow(ahead):
        apart, later = timedelta(seconds=round(abs(differ).total_seconds())), differ > timedelta(0)
        inquiry.draft.answer(
            source="clock",
            status="answered",
            named=False,
            costs="whether instants of this machine and of the server may be compared",
            reason=f"the server's clock is {apart} (hours, minutes and seconds) {'ahead of' if later else 'behind'} "
            "that of the machine that collected: every instant of the evidence is by the server's; what people noted "
            "and what a repository or a backup says may be by another",
        )


def activity(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Sessions; for a role that sees only its own, how many others there are."""
    variant, rows = inquiry.read(question)
    hidden = sum(row["query"] == HIDDEN for row in rows)
    if hidden:
        inquiry.lacking(
            "activity: other roles",
            f"{hidden} of {len(rows)} sessions show neither state nor query to role {inquiry.role!r}",
        )
    return variant, rows


def relations(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """pg_class with the text of the views: reading that locks every table a view stands on, so it is asked apart."""
    variant, rows = inquiry.read(question)
    views = [row["oid"] for row in rows if row["kind"] in ("view", "materialized_view")]
    try:
        found = inquiry.in_chunks(VIEWS, views, 50, questions.get("relations: view texts"))
        texts = {row["oid"]: row["definition"] for row in found}
    except Refused as error:
        texts = {}
        inquiry.lacking("relations: view texts", str(error), error.status)
    return variant, [row | {"definition": texts.get(row["oid"])} for row in rows]


def columns(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Columns; what rows hold that are older than their column is hidden where the column's name announces a secret."""
    variant, rows = inquiry.read(question)
    for row in rows:
        if row["missing_value"]:
            row["missing_value"] = redact_under(row["name"], row["missing_value"])
    return variant, rows


def storage(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Sizes; how many tables were locked."""
    variant, rows = inquiry.read(question)
    skipped = sum(row["skipped"] is not None for row in rows)
    if skipped:
        inquiry.lacking(
            "storage: locked tables",
            f"{skipped} of {len(rows)} tables were locked by ACCESS EXCLUSIVE, whoever measures them waits",
            "skipped",
        )
    return variant, rows


def sequences(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Sequences with the values of those that the role may read."""
    variant, rows = inquiry.read(question)
    return variant, with_values(inquiry, rows, _sequence_values(inquiry, [row for row in rows if row["readable"]]))


def with_values(inquiry: Inquiry, rows: list[dict], values: dict[int, int | None]) -> list[dict]:
    """Sequences with their values by OID; how many of them could not be read."""
    for row in rows:
        row["readable"] = row["oid"] in values
        row["last_value"] = values.get(row["oid"])
    hidden = sum(not row["readable"] for row in rows)
    if hidden:
        inquiry.lacking(
            "sequences: values",
            f"{hidden} of {len(rows)} sequences may not be read by role "
            f"{inquiry.role!r}, are locked, or stand on a standby without their rows",
        )
    return rows


def _sequence_values(inquiry: Inquiry, readable: list[dict]) -> dict[int, int | None]:
    locked, alone = scope.locked(inquiry.session), harmless.no_views(inquiry.session)
    found: dict[int, int | None] = {}
    pending = in_chunks([row for row in readable if row["oid"] not in locked], 50)
    while pending:
        chunk = pending.pop(0)
        query = " UNION ALL ".join(
            f"SELECT {row['oid']} AS oid, CASE WHEN s.is_called THEN s.last_value END AS value "  # noqa: S608 quoted names
            f"FROM {quoted(row['schema'], row['name'])} AS s"
            for row in chunk
        )
        try:
            found |= {row["oid"]: row["value"] for row in inquiry.session.read(query, limits=OPENING, extra=alone)}
        except Refused:
            # One that is locked, dropped or unlogged on a standby fails the whole chunk; alone it stays unread.
            if len(chunk) > 1:
                pending[:0] = in_chunks(chunk, (len(chunk) + 1) // 2)
    return found


def settings(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Settings; whether those that only pg_read_all_settings shows are among them."""
    variant, rows = inquiry.read(question)
    for row in rows:
        if row["name"] in SECRET_SETTINGS and row["value"]:
            row["value"] = HIDDEN_VALUE
        elif "." in row["name"] and row["value"]:  # a setting of an application's own: its name may announce a secret
            row["value"] = redact_under(row["name"], row["value"])
    there = {row["name"] for row in rows}
    hidden = [name for name in NEEDS_MONITOR if name not in there]
    if hidden:
        inquiry.lacking("settings: hidden", f"role {inquiry.role!r} is not shown {', '.join(hidden)} and others")
    return variant, rows


def role_settings(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Settings of roles and databases; the whole of a value is hidden where its name announces a secret."""
    variant, rows = inquiry.read(question)
    for row in rows:
        told = [each.partition("=") for each in row["settings"] or ()]
        row["settings"] = [name + sign + redact_under(name, value) for name, sign, value in told]
    return variant, rows


def statements(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """pg_stat_statements wherever its extension was put, by the columns of the extension's own version."""
    extension = inquiry.session.read(STATEMENTS)
    if not extension:
        raise Refused("the extension pg_stat_statements is not installed in this database", "unavailable", None)
    variant, sql = questions.load(question.name, extension_version(extension[0]["version"]))
    schema = quoted(extension[0]["schema"])
    try:
        rows = inquiry.session.read(sql.replace("{schema}", schema))
    except Refused as error:
        if error.sqlstate not in FOREIGN_BYTES:
            raise
        rows = inquiry.session.read(without_texts(sql).replace("{schema}", schema))
        inquiry.lacking(
            "statements: texts",
            f"none of {len(rows)} entries could be read with its text, because a statement of another database is not "
            f"in this one's encoding: {error}. Ask a database whose encoding is SQL_ASCII or that statement's",
            error.status,
        )
    hidden = sum(row["text"] == HIDDEN for row in rows)
    if hidden:
        inquiry.lacking(
            "statements: other roles",
            f"{hidden} of {len(rows)} entries do not show their text to role {inquiry.role!r}",
        )
    return variant, rows


def without_texts(sql: str) -> str:
    """A variant of ``statements`` that reads no text: one in another database's encoding fails the whole view.

    >>> without_texts("SELECT s.calls FROM {schema}.pg_stat_statements s")
    'SELECT s.calls FROM {schema}.pg_stat_statements(false) s'
    """
    return sql.replace("{schema}.pg_stat_statements s", "{schema}.pg_stat_statements(false) s")


def extension_version(text: str) -> int:
    """An extension's version as a number to choose a variant by.

    >>> extension_version("1.11"), extension_version("1.8")
    (11100, 10800)
    """
    found = re.match(r"(\d+)\.?(\d*)", text)
    if not found:
        raise Refused(f"the version of the extension pg_stat_statements is not a number, got {text!r}", "failed", None)
    return int(found[1]) * 10_000 + int(found[2] or 0) * 100


def log_files(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Files of the log directory; which of them is written now needs another privilege."""
    variant, rows = inquiry.read(question)
    try:
        current = {
            row["path"].rpartition("/")[2]
            for row in inquiry.session.read(CURRENT_LOG, {"json": inquiry.capabilities.writes_json_log()})
        }
    except Refused as error:
        inquiry.lacking("log_files: current", str(error), error.status)
        return variant, rows
    return variant, [row | {"current": row["name"] in current} for row in rows]


def commit_times(inquiry: Inquiry, question: Question) -> tuple[str, list[dict]]:
    """Commit times, where the server keeps them."""
    if not bool(inquiry.written("identity")["track_commit_timestamp"].fillna(False).any()):
        raise Refused("track_commit_timestamp is off, so the server keeps no commit times", "unavailable", None)
    return inquiry.read(question)


SPECIAL: dict[str, Callable[[Inquiry, Question], tuple[str, list[dict]]]] = {
    "identity": identity,
    "activity": activity,
    "relations": relations,
    "columns": columns,
    "storage": storage,
    "sequences": sequences,
    "settings": settings,
    "role_settings": role_settings,
    "statements": statements,
    "log_files": log_files,
    "commit_times": commit_times,
}
