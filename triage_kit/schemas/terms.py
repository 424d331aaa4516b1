"""The terms that readers who do not run databases cannot do without: page and notebooks explain each alike."""

from __future__ import annotations

# Term as the glossary calls it: how it may stand in a text, and what it means (PostgreSQL documentation, glossary).
TERMS = {
    "autovacuum": ("autovacuum", "the server's own process that vacuums tables on its own, and so removes dead rows"),
    "bundle": ("bundle", "the sealed folder of evidence that this page was made of; no server was asked after it"),
    "checkpoint": (
        "checkpoints?",
        "the moment at which changed pages are written to the data files; older WAL is not needed then and may go",
    ),
    "commit record": (
        "commit records?",
        "the entry of a transaction in the WAL that says when it was committed, to the microsecond",
    ),
    "dead rows": (
        "dead rows?",
        "deleted or outdated rows that still lie in the table's file until a vacuum or a later access removes them",
    ),
    "decibans": (
        "decibans?",
        "how much an observation speaks for or against a hypothesis: 10 are ten to one, 20 a hundred to one",
    ),
    "foreign key": (
        "foreign keys?|ON DELETE",
        "a rule that a row refers to a row of another table; its ON DELETE says what a DELETE there does to it",
    ),
    "G1, G2 …": (r"G\d+", "losses: tables that one transaction, one statement or one hand damaged together"),
    "hint bits": ("hint bits?", "marks that the server sets on a row once it knows how the row's transaction ended"),
    "initdb": ("initdb", "the program that makes a new, empty data directory"),
    "intact": ("intact", "no committed row is known to be gone; a table that was empty before it was hit is intact"),
    "LSN": ("LSNs?", "log sequence number: a place in the WAL, written as 0/1D87AF0"),
    "OID": ("OIDs?", "the number that the catalogue knows a table by; a table that is made anew gets another one"),
    "pageinspect": ("pageinspect", "an extension of PostgreSQL that shows the raw pages of a table, dead rows too"),
    "partial": ("partial", "some rows are missing; or all that stood there are, and newer ones came since"),
    "pg_class.xmin": (
        r"pg_class\.xmin",
        "the number of the transaction that last wrote a table's entry in the catalogue, as a TRUNCATE does",
    ),
    "pg_stat_statements": (
        "pg_stat_statements",
        "an extension that counts which statements ran, by which role, and how many rows they touched",
    ),
    "pg_wal": ("pg_wal", "the folder of the server that holds the newest part of the WAL"),
    "point-in-time recovery": (
        "point-in-time recovery",
        "a base backup brought forward by archived WAL to a chosen moment, beside the damaged server",
    ),
    "relfilenode": (
        "relfilenodes?",
        "the number of the file that holds a table's rows; TRUNCATE and rewrites give the table a new one",
    ),
    "replication slot": ("replication slots?", "a mark that makes the server keep WAL until somebody has read it"),
    "standby": ("standby", "a second server that follows this one by its WAL"),
    "sub-transaction": ("sub-?transactions?", "a part of a transaction that can be undone alone, as after SAVEPOINT"),
    "TOAST": ("TOAST", "where PostgreSQL keeps long values: in a table of their own beside the rows"),
    "transaction": (
        "transactions?",
        "statements that take effect together, at their commit, or not at all, when it is rolled back",
    ),
    "transaction id": (
        "transaction ids?|xids?|xmin|xmax",
        "the number of a transaction, also called xid; each row carries those that made (xmin) and deleted it (xmax)",
    ),
    "TRUNCATE": (
        "TRUNCATE",
        "empties whole tables at once, without counting rows; with CASCADE also every table that refers to them",
    ),
    "unlogged": ("unlogged", "a table whose changes are not in the WAL; a crash empties it"),
    "vacuum": ("vacuum", "the clean-up that removes dead rows for good and makes their space free"),
    "WAL": (
        "WAL",
        "write-ahead log: the server's own record of every change, in files of 16 MB (segments) in pg_wal; rows and "
        "transactions can be read out of it until it is recycled",
    ),
}
