"""Kinds of message: lines as servers of 13 to 18 wrote them, and the numbers that they carry."""

import pytest

from triage_kit.parse import Entry, classify
from triage_kit.parse.kinds import understand

MESSAGES = [
    ("statement: TRUNCATE a", "LOG", "statement"),
    ("execute <unnamed>: DELETE FROM a WHERE id = $1", "LOG", "statement"),
    ("execute s1/p1: SELECT 1", "LOG", "statement"),
    ("duration: 1.234 ms", "LOG", "duration"),
    ("duration: 1.234 ms  statement: SELECT 1", "LOG", "duration"),
    ("checkpoint starting: immediate force wait", "LOG", "checkpoint_starting"),
    ("restartpoint complete: wrote 1 buffers (0.0%)", "LOG", "checkpoint_complete"),
    ('automatic vacuum of table "shop.public.orders": index scans: 1', "LOG", "autovacuum"),
    ('automatic aggressive vacuum to prevent wraparound of table "a.b.c": index scans: 0', "LOG", "autovacuum"),
    ('automatic analyze of table "shop.public.orders" system usage: CPU', "LOG", "autoanalyze"),
    ("connection received: host=[local]", "LOG", "connection"),
    ('connection authenticated: identity="app" method=scram-sha-256', "LOG", "connection"),
    ("disconnection: session time: 0:00:00.016 user=app database=shop host=[local]", "LOG", "disconnection"),
    ("terminating connection due to administrator command", "FATAL", "disconnection"),
    ("database system was interrupted; last known up at 2025-10-07 20:00:00 UTC", "LOG", "crash"),
    ("database system was not properly shut down; automatic recovery in progress", "LOG", "crash"),
    ("server process (PID 12) was terminated by signal 9: Killed", "LOG", "crash"),
    ("terminating any other active server processes", "LOG", "crash"),
    ("database system was shut down at 2025-10-07 20:00:00 UTC", "LOG", "shutdown"),
    ("received fast shutdown request", "LOG", "shutdown"),
    ("redo starts at 0/1963AF0", "LOG", "recovery"),
    ("recovery stopping before commit of transaction 742, time 2025-10-07 20:00:00+00", "LOG", "recovery"),
    ("selected new timeline ID: 2", "LOG", "recovery"),
    ("database system is ready to accept connections", "LOG", "startup"),
    ("starting PostgreSQL 18.6 on x86_64-pc-linux-gnu", "LOG", "startup"),
    ('parameter "log_statement" changed to "all"', "LOG", "parameter_change"),
    ("received SIGHUP, reloading configuration files", "LOG", "parameter_change"),
    ("started streaming WAL from primary at 0/3000000 on timeline 1", "LOG", "replication"),
    ('conflict detected on relation "public.a": conflict=delete_origin_differs', "LOG", "replication"),
    ("process 12 still waiting for AccessExclusiveLock on relation 1 of database 2 after 1000.1 ms", "LOG", "lock"),
    ("canceling statement due to lock timeout", "ERROR", "lock"),
    ("deadlock detected", "ERROR", "deadlock"),
    ('temporary file: path "base/pgsql_tmp/pgsql_tmp12.0", size 14000000', "LOG", "temp_file"),
    ('relation "a" does not exist at character 15', "ERROR", "error"),
    ('password authentication failed for user "app"', "FATAL", "error"),
    ("statement: is a strange error text", "ERROR", "error"),
    ('truncate cascades to table "b"', "NOTICE", "other"),
    ("something nobody has seen", "LOG", "other"),
]


@pytest.mark.parametrize(("message", "severity", "expected"), MESSAGES)
def test_kind(message, severity, expected):
    assert classify(message, severity) == expected


def entry(message):
    return understand(Entry(1, 0, severity="LOG", message=message))


def test_checkpoint_numbers_on_both_wordings():
    old = entry(
        "checkpoint complete: wrote 315 buffers (1.9%); 0 WAL file(s) added, 0 removed, 1 recycled; write=31.4 s, "
        "sync=0.2 s, total=31.7 s; sync files=210, longest=0.1 s, average=0.001 s; distance=1 kB, estimate=2 kB"
    )
    new = entry(
        "checkpoint complete: wrote 938 buffers (5.7%), wrote 3 SLRU buffers; 0 WAL file(s) added, 0 removed, "
        "0 recycled; write=0.0 s, sync=0.0 s, total=0.1 s; sync files=301, longest=0.1 s, average=0.001 s"
    )
    assert (old.buffers, old.sync_files) == (315, 210)
    assert (new.buffers, new.sync_files) == (938, 301)


def test_autovacuum_names_the_table_and_its_tuples():
    found = entry(
        'automatic vacuum of table "migration_db.migration.collection_flows": index scans: 1\n'
        "pages: 0 removed, 4 remain, 4 scanned (100.00% of total)\n"
        "tuples: 101 removed, 42 remain, 0 are dead but not yet removable"
    )
    assert (found.relation, found.removed, found.remain) == ("migration_db.migration.collection_flows", 101, 42)
    assert entry('automatic analyze of table "a.b.c d"\nI/O timings: x').relation == "a.b.c d"


@pytest.mark.parametrize(
    ("message", "statement", "ms"),
    [
        ("duration: 3.5 ms  statement: DELETE\nFROM a", "DELETE\nFROM a", 3.5),
        ("duration: 3.5 ms  execute <unnamed>: DELETE FROM a", "DELETE FROM a", 3.5),
        ("duration: 3.5 ms  parse <unnamed>: DELETE FROM a", None, 3.5),
        ("duration: 3.5 ms  bind <unnamed>: DELETE FROM a", None, 3.5),
        ("duration: 12 ms", None, 12.0),
        ("execute p: x: y", "x: y", None),
    ],
)
def test_statement_and_duration(message, statement, ms):
    found = entry(message)
    assert (found.statement, found.duration_ms) == (statement, ms)
