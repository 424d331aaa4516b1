"""What is asked of the server, in which order, what each answer is worth, and what a role needs to get it.

One question is one folder of this package and one evidence table; a folder holds one .sql file a server version that
it starts at. The order is that of volatility (RFC 3227, 2.1): what the next minute may change comes first. The same
list makes the table of privileges in the README.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from triage_kit.errors import SourceError

HERE = Path(__file__).parent
_SHARED = re.compile(r"/\* (\w+\.sql) \*/")  # stands for an expression that several questions share
MONITOR = "GRANT pg_monitor TO {role};"
READ_DATA = "GRANT pg_read_all_data TO {role};  -- 14 and newer"
USAGE = "GRANT USAGE ON SCHEMA {schema} TO {role};  -- 13, for each schema"
TABLES = "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};  -- 13, for each schema"
SEQUENCES = "GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};  -- 13, for each schema"
READ_TABLES = "\n".join((READ_DATA, USAGE, TABLES))
READ_SEQUENCES = "\n".join((READ_DATA, USAGE, SEQUENCES))


@dataclass(frozen=True)
class Question:
    """One question: what the report cannot say without its answer, and the lines that buy it.

    ``grant`` is empty where any role that may connect gets the answer. ``chunk`` is the number of tables asked for at
    once where the answer opens them, ``redacted`` names the columns that may hold a secret.
    """

    name: str
    costs: str
    grant: str = ""
    chunk: int = 0
    redacted: tuple[str, ...] = ()


QUESTIONS = (
    Question("identity", "which server, database and role this is, and whether its counters can be trusted"),
    Question(
        "activity",
        "whether somebody is still deleting, and which sessions hold rows or locks",
        MONITOR,
        redacted=("query", "application"),
    ),
    Question("locks", "which tables are being changed at this moment"),
    Question("prepared", "whether a prepared transaction holds rows that look lost", redacted=("name",)),
    Question(
        "statements",
        "which statements ran: a TRUNCATE or DELETE stands there with its text and its rows",
        MONITOR,
        redacted=("text",),
    ),
    Question("table_counters", "how many rows were inserted and deleted, so what is missing cannot be reckoned"),
    Question("database_counters", "when the counters of the database began and how many transactions failed"),
    Question("cluster_counters", "whether a crash wiped the counters, so their zeros cannot be told from real ones"),
    Question(
        "relations",
        "which tables there are, whether their storage was replaced and by which transaction",
        redacted=("definition", "partition_bound"),
    ),
    Question(
        "storage",
        "whether a table is empty on disk, and TRUNCATE apart from DELETE once the counters are gone",
        chunk=200,
    ),
    Question(
        "file_times",
        "the second at which a table that is still empty was truncated",
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text, boolean) TO {role};  -- as superuser",
        chunk=500,
    ),
    Question(
        "indexes",
        "DELETE and VACUUM apart from TRUNCATE after a crash, and tables that were swapped by renaming",
        chunk=200,
    ),
    Question(
        "columns",
        "whether a column was dropped, and by which transaction; how to read rows out of WAL and pages",
        chunk=500,
        redacted=("missing_value",),
    ),
    Question(
        "constraints",
        "which tables a CASCADE reaches and which single statement explains the damage",
        chunk=500,
        redacted=("definition",),
    ),
    Question(
        "policies", "whether row security hides rows that still stand", chunk=500, redacted=("using", "with_check")
    ),
    Question("triggers", "whether a trigger deleted rows that no statement names", redacted=("function_body",)),
    Question("sequences", "how many rows were ever numbered, and whether RESTART IDENTITY ran", READ_SEQUENCES),
    Question("roles", "who could have done it and who sees past row security"),
    Question(
        "settings",
        "what the log would have shown, so its silence proves nothing",
        MONITOR,
        redacted=("value", "boot_value"),
    ),
    Question(
        "role_settings", "whether a role looks at another schema or logs less than others", redacted=("settings",)
    ),
    Question("extensions", "which further looks at rows and WAL the server offers"),
    Question("namespaces", "whether a schema was dropped and made again"),
    Question("databases", "whether the database itself was dropped and made again"),
    Question("archiver", "how far a point-in-time recovery reaches"),
    Question(
        "replication",
        "whether a standby, a slot or a subscriber still holds the rows",
        MONITOR,
        redacted=("name", "application", "detail"),
    ),
    Question("log_files", "which log files the server has and how far back they go", MONITOR),
    Question("wal_files", "how far back the WAL reaches from which rows can be read", MONITOR),
    Question(
        "commit_times", "the exact time at which a transaction committed that changed a table's storage or definition"
    ),
    Question("version_tables", "which migration the database believes to be at", READ_TABLES),
    Question(
        "row_counts",
        "how many rows are left, so nothing is known but what counters and sizes say",
        READ_TABLES,
        chunk=200,
    ),
)

# What an answer may lack for want of a privilege, although the question itself is answered.
PARTS = (
    Question(
        "identity: control file",
        "when the data directory was made, its timeline and its last checkpoint",
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system(), pg_catalog.pg_control_checkpoint() TO {role};"
        "  -- where it was revoked from everybody",
    ),
    Question(
        "activity: other roles", "what the sessions of other roles do, so a running delete may be missed", MONITOR
    ),
    Question("relations: view texts", "whether a view hides rows that still stand"),
    Question("storage: locked tables", "the sizes of the tables that were locked"),
    Question(
        "sequences: values",
        "how many rows were ever numbered in the tables whose sequences may not be read",
        READ_SEQUENCES,
    ),
    Question("settings: hidden", "where the server keeps data and log, so the log is not found by itself", MONITOR),
    Question("statements: texts", "what the counted statements said, of which only number, role and rows are known"),
    Question("statements: other roles", "the texts of statements that other roles ran", MONITOR),
    Question(
        "log_files: current",
        "which log file is written now",
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_current_logfile(text) TO {role};  -- before 17",
    ),
    Question(
        "row_counts: damaged files",
        "how many rows the tables hold whose files are missing, cut or unreadable: nothing on this server can tell",
    ),
    Question(
        "row_counts: not counted",
        "the exact number of rows in the tables that were not counted",
        READ_TABLES + "\nGRANT pg_stat_scan_tables TO {role};  -- where pgstattuple is installed",
    ),
)


@cache
def get(name: str) -> Question:
    """The question or part of one by name."""
    return {question.name: question for question in (*QUESTIONS, *PARTS)}[name]


def variants(name: str) -> dict[int, Path]:
    """The .sql files of a question by the version they start at."""
    return {int(path.stem): path for path in (HERE / name).glob("*.sql")}


def texts(name: str) -> dict[int, str]:
    """What is sent for a question, by the version it starts at: its files with the stretches that they share."""
    return {start: _SHARED.sub(_shared, path.read_text(encoding="utf-8")) for start, path in variants(name).items()}


def load(name: str, version: int) -> tuple[str, str]:
    """The variant of a question for a server version, as ``name/130000``, and its text.

    Raises SourceError when the server is older than every variant.
    """
    there = texts(name)
    usable = [start for start in there if start <= version]
    if not usable:
        raise SourceError(
            f"no query for {name!r} on server version {version}; variants start at {sorted(there)}: "
            "PostgreSQL 13 is the oldest that is read"
        )
    start = max(usable)
    return f"{name}/{start}", there[start]


def _shared(found: re.Match[str]) -> str:
    # Its first line says what it is for.
    return (HERE / found[1]).read_text(encoding="utf-8").split("\n", 1)[1].rstrip()
