"""Every command that the kit suggests stays whole whatever the tables are called: it may be pasted."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import hostile
import postgast
import pytest
from attacks import Attacked
from psycopg import sql

from triage_kit import analyse
from triage_kit.opened import open_case

# A line of comment may say who may run it.
SQL = re.compile(
    r"(?i)\A\s*(?:--[^\n]*\n\s*)*(?:select|create|alter|truncate|delete|with|begin|set|drop|insert|copy|lock|vacuum)\b"
)
SETTING = re.compile(r"\A(?:recovery_target\w*|counting)\s*[:=]|\A#")
# In psql: a remark is one line, and a table that salvaged rows are copied to has a name that a file can have.
IN_PSQL = re.compile(r"--[^\n]*|\\copy [\w.]+ \([^\n]*\) FROM 'salvaged/[\w.]+' \(FORMAT csv, HEADER\)")
LAST_REMARKS = re.compile(r"(?:\n--[^\n]*)+\Z")


@pytest.fixture(scope="session")
def suggested(attacked: Attacked) -> dict[str, list[str]]:
    """Everything that a reader may paste, by the list that it is in."""
    found = analyse.investigate(open_case(attacked.case.folder).evidence)
    statements = found.explaining_statements
    return {
        "freeze": [each for each in found.freeze["command"].dropna() if each],
        "recovery": [each for commands in found.recovery["commands"] for each in commands],
        "next_tests": [each for each in found.next_tests["command"].dropna() if each],
        "explaining": [*statements["text"], *(each for some in statements["equivalent"] for each in some)],
    }


def every(suggested: dict[str, list[str]]) -> Iterable[str]:
    return (each for commands in suggested.values() for each in commands
            if not SETTING.match(each) and not IN_PSQL.fullmatch(each))  # fmt: skip


def test_every_list_suggests_something(suggested: dict[str, list[str]]) -> None:
    assert all(suggested.values())
    doubled = hostile.DELETED.replace('"', '""')
    assert any(doubled in each for each in suggested["explaining"])
    assert any(doubled.replace("'", "''") in each for each in suggested["next_tests"])


def test_suggested_sql_parses(suggested: dict[str, list[str]]) -> None:
    statements = [each for each in every(suggested) if SQL.match(each)]
    assert len(statements) >= 5
    for statement in statements:
        tree = postgast.parse(statement)
        told = LAST_REMARKS.sub("", statement)
        assert len(tree.stmts) == 1 + told.count(";\n") + told.count("; SELECT pg_reload_conf"), statement


def test_suggested_shell_commands_run_nothing_of_a_name(suggested: dict[str, list[str]], tmp_path: Path) -> None:
    home, programs = tmp_path / "home", tmp_path / "bin"
    home.mkdir()
    programs.mkdir()
    (home / "kept").write_text("x")
    for program in ("touch", "rm"):
        (programs / program).symlink_to(shutil.which(program))
    bash = shutil.which("bash")
    commands = [each for each in every(suggested) if not SQL.match(each)]
    assert commands
    for command in commands:
        assert shlex.split(command, comments=True), command
        subprocess.run([bash, "-n", "-c", command], check=True, capture_output=True)
        subprocess.run(
            [bash, "-c", command],
            env={"HOME": str(home), "PATH": str(programs)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert [path.name for path in home.iterdir()] == ["kept"], command


def test_the_explaining_statement_hits_exactly_the_explained_tables(
    attacked: Attacked, suggested: dict[str, list[str]]
) -> None:
    [statement] = {each for each in suggested["explaining"] if each.startswith("TRUNCATE")}
    copy = "copy of it"
    with attacked.server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(copy)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(copy), sql.Identifier(attacked.case.database)
            )
        )
    with attacked.server.connect(copy) as connection:
        before = filenodes(connection)
        connection.execute(statement)
        after = filenodes(connection)
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == set(attacked.case.emptied)


def test_the_delete_that_explains_empties_its_table_alone(attacked: Attacked, suggested: dict[str, list[str]]) -> None:
    [statement] = {each for each in suggested["explaining"] if each.startswith("DELETE")}
    with attacked.server.connect(attacked.case.database, autocommit=False) as connection:
        connection.execute(sql.SQL("INSERT INTO {} VALUES (7)").format(sql.Identifier(hostile.DELETED)))
        counts = [rows(connection)]
        assert connection.execute(statement).rowcount == 1
        counts.append(rows(connection))
        connection.rollback()
    assert {name for name in counts[0] if counts[0][name] != counts[1][name]} == {("public", hostile.DELETED)}


def filenodes(connection: object) -> dict[tuple[str, str], int]:
    found = connection.execute(
        "SELECT n.nspname, c.relname, pg_relation_filenode(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information'"
    )
    return {(schema, name): node for schema, name, node in found}


def rows(connection: object) -> dict[tuple[str, str], int]:
    return {
        name: connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*name))).fetchone()[0]
        for name in filenodes(connection)
    }
