"""Code that reaches no database that anybody keeps: a server that a test starts for itself, or no PostgreSQL at all."""

from __future__ import annotations

import re

# Libraries that start a server for a test and remove it afterwards, each as its documentation is used.
_OWN_SERVER = re.compile(
    r"(?i)testcontainers|\bPostgre?s(?:QL)?Container\b|embedded[-_]?postgres|\bdockertest\b|pytest[-_]postgresql|"
    r"testing\.postgresql|\bpgmock\b|\bpg-mem\b|\bpglite\b|\bpgtestdb\b|\bpostgresql_proc\b|EphemeralPostgres"
)
# Where a server may be named from outside, the one of the test is only the usual one.
_FROM_OUTSIDE = re.compile(
    r"\b(?:os\.)?environ\b|\bgetenv\b|\bprocess\.env\b|\bos\.(?:Getenv|LookupEnv)\b|\bDATABASE_URL\b|"
    r"\bDeno\.env\b|\bGetEnvironmentVariable\b|\bENV\[|\benv!?\("
)
_ELSEWHERE = re.compile(
    r"better-sqlite3|['\"]sqlite3['\"]|\bsqlite3?://|\bsqlite:|:memory:|go-sqlite3|modernc\.org/sqlite|\bUseSqlite\b|"
    r"UseInMemoryDatabase|\bjdbc:(?:h2|sqlite|mysql|mariadb|sqlserver|oracle|hsqldb)\b|\bmysql2?(?:/promise)?['\"]|"
    r"go-sql-driver/mysql|@libsql/|\bSQLite3::|\bMysql2::|mysql\+\w+://|clickhouse-connect|@clickhouse/|\brusqlite\b"
)
_HERE = re.compile(r"(?i)postgres|\bpsql\b|\bpgx\b|psycopg|asyncpg|npgsql|\bpg['\"]|\blibpq\b|\bpq['\"]|\bPg\b")
_ROLLS_BACK = re.compile(r"\bforce_rollback\s*=\s*True\b|\buse\s+DatabaseTransactions\b")


def throwaway(text: str, of_a_test: bool) -> bool:
    """Whether nothing in a file of code can reach a database that somebody keeps.

    >>> throwaway("new PostgreSQLContainer<>('postgres:17'); db.execute('TRUNCATE a')", True)
    True
    >>> throwaway("const db = new (require('better-sqlite3'))('x'); db.exec('DELETE FROM a')", False)
    True
    >>> throwaway("url = os.environ.get('URL') or PostgresContainer('postgres:17').get_connection_url()", True)
    False
    >>> throwaway("import sqlite3, psycopg", False)
    False
    """
    if _ELSEWHERE.search(text) and not _HERE.search(text):
        return True
    if not of_a_test or _FROM_OUTSIDE.search(text):
        return False
    return bool(_OWN_SERVER.search(text)) or (bool(_ROLLS_BACK.search(text)) and not re.search(r"\bcommit\(", text))
