"""Code that reaches no database that anybody keeps: a server that a test starts for itself, or no PostgreSQL at all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from triage_kit.parse.vehicles import CI

# Libraries that start a server for a test and remove it afterwards, each as its documentation is used.
_OWN_SERVER = re.compile(
    r"(?i)testcontainers|\bPostgre?s(?:QL)?Container\b|embedded[-_]?postgres|\bdockertest\b|pytest[-_]postgresql|"
    r"testing\.postgresql|\bpgmock\b|\bpg-mem\b|\bpglite\b|\bpgtestdb\b|\bpostgresql_proc\b|EphemeralPostgres|"
    # each test of these has a database of its own, under a name of its own
    r"#\[sqlx::test\b|\bfrom django\.test import\b|\bpytest\.mark\.django_db\b"
)
# Where a server may be named from outside, the one of the test is only the usual one.
_FROM_OUTSIDE = re.compile(
    r"\b(?:os\.)?environ\b|\bgetenv\b|\bprocess\.env\b|\bos\.(?:Getenv|LookupEnv)\b|\bDATABASE_URL\b|"
    r"\bDeno\.env\b|\bGetEnvironmentVariable\b|\bENV\[|\benv!?\("
)
_ELSEWHERE = re.compile(
    r"better-sqlite3|['\"]sqlite3['\"]|\bsqlite3?://|\bsqlite:|:memory:|go-sqlite3|modernc\.org/sqlite|\bUseSqlite\b|"
    r"UseInMemoryDatabase|\bjdbc:(?:h2|sqlite|mysql|mariadb|sqlserver|oracle|hsqldb)\b|\bmysql2?(?:/promise)?['\"]|"
    r"go-sql-driver/mysql|@libsql/|\bSQLite3::|\bMysql2::|mysql\+\w+://|clickhouse-connect|@clickhouse/|\brusqlite\b|"
    r"\bEmbeddedDatabaseType\.(?:H2|HSQL|DERBY)\b|\bandroidx\.room\b|\bsqflite\b|expo-sqlite|react-native-sqlite|\bbun:sqlite|"
    r"\bnode:sqlite|\bD1Database\b|\bSqlitePool|\bMySqlPool|\bmysql_async\b|MySqlConnector|MySql\.Data|\bUse(?:SqlServer|MySql)\b|"
    r"\b(?:System|Microsoft)\.Data\.(?:SqlClient|Sqlite)\b|go-mssqldb|clickhouse-go|\bgocql\b|cassandra-driver|"
    r"['\"](?:mssql|oracledb|duckdb|snowflake-sdk|@google-cloud/(?:bigquery|spanner))['\"]|Ecto\.Adapters\.(?:SQLite3|MyXQL|Tds)|"
    r"(?:\bfrom|\bimport)\s+(?:clickhouse_\w+|cassandra|snowflake|oracledb|cx_Oracle|pymssql|duckdb|google\.cloud)\b"
)
# One of these stands in every text that the pattern above takes, in small letters.
_ELSEWHERE_CLUES = (
    *(
        "sqlite",
        "mysql",
        "mssql",
        "sqlserver",
        "sqlclient",
        "libsql",
        "memory",
        "jdbc:",
        "clickhouse",
        "embeddeddatabasetype",
        "androidx.room",
        "sqflite",
        "d1database",
        "gocql",
    ),
    *("cassandra", "oracle", "duckdb", "snowflake", "google", "ecto.adapters", "myxql"),
)
_HERE = re.compile(r"(?i)postgres|\bpsql\b|\bpgx\b|psycopg|asyncpg|npgsql|\bpg['\"]|\blibpq\b|\bpq['\"]|\bPg\b")
_ROLLS_BACK = re.compile(
    r"\bforce_rollback\s*=\s*True\b|\buse\s+DatabaseTransactions\b|\buse\s+[\w.]*(?:Data|Conn|Repo|Channel)Case\b|"
    r"\bEcto\.Adapters\.SQL\.Sandbox\.(?:start_owner!|checkout)|"
    r"@DataJpaTest\b|@JdbcTest\b|\b(?:defer|Cleanup\(func\(\) \{)\s*(?:_ = )?tx\.Rollback\("
)
_KEEPS = re.compile(
    r"(?i)\bcommit\(|@commit\b|@rollback\(false\)|NOT_SUPPORTED|sandbox:\s*false|\bunboxed_run\b|(?-i:\b(?:db|pool)\.(?:Exec|Query))"
)


# What code calls, or is called, that reaches a database.
_REACHES = re.compile(
    r"(?i)\w*exec\w*|\w*quer(?:y|ies)\b|\bprepare\w*|\bdb\b|\bpool\b|\bclient\b|\bcursor\b|\bsession\b|\bengine\b|postgres|psql|"
    r"\bpg\b|connect\w*|database|knex|prisma|sequelize|active_?record|jdbc|sqlalchemy|transaction|_helper\b|\bawait\b|\basync\b(?!:)|"
    r"\brepo\b|\bobjects\.|(?:\.|::|->)(?:delete|destroy|truncate)\w*\("
)
_LOSING_TEXT = re.compile(
    r"(?i)[\"'`]\s*(?:delete\s|truncate\s|drop\s|update\s|alter\s)|[\"'`][\w:]+\.(?:delete|destroy|truncate)"
)
_HELD = re.compile(r"(?i)\s*(?:expect|assert\w*)\b|\s*\[")
# What cleans around a test, and what may hand a text on to a server that is named elsewhere.
_CLEANS = re.compile(
    r"(?i)\b(?:before|after)(?:_?(?:each|all))?\b|set_?up|tear_?down|fixture|dispose|clean|reset|helper|(?<![.\w])(?:run|sql)[!(`]"
)
# The words by which a test is called.
_NAMED = re.compile(r"\s*(?:it|test|describe|context)\b\s*\(?\s*(?:\"[^\"]*\"|'[^']*'|`[^`]*`)")


def _only_examples(text: str) -> bool:
    """Whether a test reaches no database, and cleans nothing or only expects, asserts and lists each losing text."""
    if _REACHES.search(text):
        return False
    if not _CLEANS.search(text):
        return True
    lines = [line for line in text.splitlines() if _LOSING_TEXT.search(line)]
    others = [line for line in lines if _LOSING_TEXT.search(_NAMED.sub("", line))]
    return bool(lines) and all(map(_HELD.match, others))


# A service of a CI job, and the address of a server that is one.
_SERVICE = re.compile(
    r"(?m)^[ \t]*services:[ \t]*\[[^\]\n]*(?<![\w-])(?:postgres|postgis)\b|"
    r"^[ \t]*(?:services:|docker:(?=[ \t]*\n[ \t]*- image:))[ \t]*\n(?:[ \t]*.*\n){0,12}?"
    r"[ \t]*(?:(?:- )?image:|- name:|-)[ \t]*[\"']?(?:\w+/)?(?:postgres|postgis)\b"
)
_LOCAL = ("localhost", "127.0.0.1", "postgres", "postgresql", "db", "database")
_OWN_NAME = re.compile(
    r"(?m)^[ \t]*(?:- )?alias:[ \t]*[\"']?([\w.-]+)|"
    r"^[ \t]*([\w.-]+):[ \t]*\n[ \t]*image:[ \t]*[\"']?(?:[\w.-]+/)*(?:postgres|postgis)\b"
)
_HOST = r"(?<![\w-])(?:PG|POSTGRES_|DB_|DATABASE_)HOST(?:NAME)?\b"
_CLIENT = (
    r"\b(?:psql|createdb|dropdb|createuser|dropuser|vacuumdb|pg_[a-z]+)\b[^\n|;&]{0,300}?\s[\"']?(?:-h|--host)"
    r"(?:[ \t=]*|[\"'],[ \t]*)[\"']?(?=[\w$])"
)
_URL = r"postgres(?:ql)?(?:\+\w+)?://"
_ADDRESSED = re.compile(rf"\b{_URL}|://[^@\s\"'/]*@|{_HOST}|{_CLIENT}")
_KEPT_ELSEWHERE = re.compile(
    r"(?im)\bsecrets\.|\$\{?\w*(?:PROD|STAGING|LIVE)\w*|\benvironment:(?!\s*\{?\s*[A-Z_]{4,}:)|\bstage:\s*deploy|^\s*deploy\w*:|\bssh\b|"
    rf"(?<!\w)--host\b(?![ =]+[\"']?(?:{'|'.join(map(re.escape, _LOCAL))})(?![\w.-]))|\bheroku\b|\bfly\b"
)


def _only_to(text: str, hosts: Iterable[str]) -> bool:
    """Whether a text names servers, and none but these."""
    names = rf"(?:{'|'.join(map(re.escape, hosts))})(?![\w.-])"
    told = re.findall(
        rf"{_URL}(?:[^@\s\"']*@)?{names}(?=[:/])|{_HOST}[\"']?\s*[:=]\s*[\"']?{names}|{_CLIENT}{names}", text
    )
    return 0 < len(told) == len(_ADDRESSED.findall(text))


def of_its_service(text: str, path: str) -> bool:
    """Whether the jobs of a CI file have a server as their service, are given its address, and no other one.

    A compose file says services, too, and what they keep is kept: but for a server whose data lie in memory.

    >>> url = "env:\\n  DATABASE_URL: postgres://u:p@localhost/shop_test\\n"
    >>> job = "services:\\n  db:\\n    image: postgres:17\\nsteps:\\n  - run: bin/rails db:schema:load\\n"
    >>> [of_its_service(url + job, path) for path in (".github/workflows/test.yml", "compose.yml")]
    [True, False]
    >>> of_its_service(url + job + "  - run: psql ${{ secrets.URL }} -f a.sql\\n", ".gitlab-ci.yml")
    False
    >>> run = "  reset:\\n    image: postgres:17\\n    command: psql -h db -c 'DROP TABLE a'\\n"
    >>> kept = "    volumes: [pg:/var/lib/postgresql/data]\\n"
    >>> gone = "    tmpfs: /var/lib/postgresql/data\\n"
    >>> [of_its_service(job.partition("steps:")[0] + each + run, "compose.yml") for each in (kept, gone)]
    [False, True]
    """
    if _COMPOSE.search(path):
        return bool(hosts := _in_memory(text)) and _only_to(text, hosts)
    if not CI.search(path) or not _SERVICE.search(text) or _KEPT_ELSEWHERE.search(text):
        return False
    return _only_to(text, {*_LOCAL, *(alias or key for alias, key in _OWN_NAME.findall(text))})


_COMPOSE = re.compile(r"(?i)(?:\A|/)(?:docker-)?compose[\w.-]*\.ya?ml\Z")
_SERVER = re.compile(
    r"(?m)^(?P<indent>[ \t]+)(?P<name>[\w.-]+):[ \t]*\n(?P<body>(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)+)"
)
_MEMORY = re.compile(
    r"\btmpfs:(?:[ \t]*\n?[ \t]*(?:- |\[)?)[ \t]*[\"']?/var/lib/postgresql|"
    r"\btype:[ \t]*tmpfs[ \t]*\n[ \t]*target:[ \t]*[\"']?/var/lib/postgresql"
)


def _in_memory(text: str) -> set[str]:
    """The services of a compose file whose server's data are gone with its container."""
    return {each["name"] for each in _SERVER.finditer(text) if _MEMORY.search(each["body"])}


# A database that is named in a text, and a name that says whose it is.
_BASE = re.compile(
    r"(?i)(?:postgres(?:ql)?(?:\+\w+)?://[^\s\"'`/]*/|\b(?:dbname|database|db_?name)[\"']?\s*[:=]\s*[\"'`]?)(?P<name>[\w-]+)"
)
# A setting from outside that is the tests' own, by its name.
_OF_TESTS = re.compile(
    r"(?:\bprocess\.env\.|\bDeno\.env\.get\(|\bos\.(?:environ(?:\.get\(|\[)|[gG]etenv\()|\bENV\[|\bENV\.fetch\(|\bgetenv\()"
    r"\s*[\"']?(?:\w+_)?TEST_\w+|(?:\bprocess\.env\.|\bos\.(?:environ(?:\.get\(|\[)|[gG]etenv\()|\bENV\[)\s*[\"']?\w+_TEST\b"
)
# A fixture that is given the test's own database by pytest-django.
_OF_DJANGO = re.compile(r"@pytest\.fixture[^\n]*\n(?:async\s+)?def\s+\w+\([^)]*\b(?:transactional_)?db\b")
_TESTED = re.compile(r"(?i)(?:\A|[_-])tests?(?:\Z|[_-])")


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
    lowered = text.lower()
    named = any(each in lowered for each in _ELSEWHERE_CLUES)
    # Another server may speak as PostgreSQL does: jdbc:h2:mem:shop;MODE=PostgreSQL
    if named and _ELSEWHERE.search(text) and not _HERE.search(re.sub(r"(?i)\bMODE=PostgreSQL", "", text)):
        return True
    inside = _OF_TESTS.sub("", text) if of_a_test else text
    if not of_a_test or _FROM_OUTSIDE.search(inside):
        return False
    if _only_examples(text):
        return True
    bases = [each["name"] for each in _BASE.finditer(text)]
    if (bases or inside != text) and all(map(_TESTED.search, bases)):
        return True
    if ".objects." in text and _OF_DJANGO.search(text):
        return True
    return bool(_OWN_SERVER.search(text)) or (bool(_ROLLS_BACK.search(text)) and not _KEEPS.search(text))
