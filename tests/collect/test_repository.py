"""A checkout into evidence: migrations, commits, and a repository that tries to run something."""

import os
import subprocess

import programs
import pytest

from triage_kit import case as cases
from triage_kit.bundle import Draft
from triage_kit.collect.repository import read_repository

ALEMBIC = '''"""drop type

Create Date: 2025-10-07 18:20:00
"""
revision = "086"
down_revision = "085"


def upgrade():
    op.execute("DROP TYPE IF EXISTS migration.collectionflowstatus CASCADE")
    op.execute("ALTER ROLE app PASSWORD 'hunter2'")
'''
GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin:/usr/local/bin"}


def git(folder, *arguments, at="2025-10-07T18:00:00Z"):
    program = programs.git()
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    who = ["-c", "user.name=Ann Müller", "-c", "user.email=ann@example.org"]
    subprocess.run([program, "-C", str(folder), *who, *arguments], check=True, capture_output=True, env=GIT | dates)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "case").mkdir()
    backend = tmp_path / "backend"
    for name, text in {
        "alembic/versions/086.py": ALEMBIC,
        "db/migrate/2_b.sql": "TRUNCATE b;",
        "db/migrate/1_a.sql": "-- migrate:up\nCREATE TABLE a();\n-- migrate:down\nDROP TABLE a;",
        "src/report.sql": "DELETE FROM not_a_migration;",
        "src/app.py": "revision = 1",
        "node_modules/x/migrations/1.sql": "DROP TABLE dependency;",
    }.items():
        path = backend / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "case"


@pytest.fixture
def history(folder):
    backend = folder.parent / "backend"
    git(backend, "init", "-q", "-b", "main")
    git(backend, "add", "alembic")
    git(backend, "commit", "-q", "-m", "drop the type: token=hunter2")
    git(backend, "add", "db")
    git(backend, "commit", "-q", "-m", "second\n\nbody", at="2025-10-07T19:30:00+02:00")
    return backend


def collected(folder, **keys):
    case = cases.build({"repository": "../backend"} | keys, folder / "case.yaml")
    draft = Draft.begin(folder)
    return draft, read_repository(case, draft)


def question(draft, source):
    [row] = [row for row in draft._journal["questions"] if row["source"] == source]
    return row


def test_migrations_and_their_operations(folder):
    draft, _ = collected(folder)
    migrations = draft.written("migrations")
    assert migrations["path"].tolist() == ["alembic/versions/086.py", "db/migrate/1_a.sql", "db/migrate/2_b.sql"]
    assert migrations["tool"].tolist() == ["alembic", "dbmate", "sql"]
    assert migrations["created_at"].iloc[0].isoformat() == "2025-10-07T18:20:00+00:00"
    operations = draft.written("migration_operations")
    found = operations[["path", "line", "direction", "operation", "object"]].to_records(index=False).tolist()
    assert found == [
        ("alembic/versions/086.py", 10, "up", "drop_type", "migration.collectionflowstatus"),
        ("db/migrate/1_a.sql", 2, "up", "create_table", "a"),
        ("db/migrate/1_a.sql", 4, "down", "drop_table", "a"),
        ("db/migrate/2_b.sql", 1, "up", "truncate", "b"),
    ]
    assert "hunter2" not in operations.to_csv()
    assert question(draft, "migrations")["rows"] == 3


def test_what_a_migration_does_to_its_own_tables_loses_nothing(folder):
    (folder.parent / "backend" / "db" / "migrate" / "3_c.sql").write_text(
        "-- migrate:up\nCREATE TABLE c (x int);\nTRUNCATE c;\nTRUNCATE a;\n"
        "CREATE TABLE IF NOT EXISTS b (x int);\nDELETE FROM b;\n-- migrate:down\nDROP TABLE c;\n",
        "utf-8",
    )
    draft, _ = collected(folder)
    operations = draft.written("migration_operations")
    own = operations[operations["path"] == "db/migrate/3_c.sql"]
    assert list(zip(own["operation"], own["object"], own["loses"], strict=True)) == [
        ("create_table", "c", "nothing"), ("truncate", "c", "nothing"), ("truncate", "a", "rows"),
        ("create_table", "b", "nothing"), ("delete", "b", "rows"), ("drop_table", "c", "rows"),
    ]  # fmt: skip


def test_a_folder_of_the_case_takes_every_sql_file_in_it(folder):
    draft, _ = collected(folder, migrations=["src"])
    assert draft.written("migration_operations")["object"].tolist() == ["not_a_migration"]


def test_commits_with_their_paths(folder, history):
    draft, unread = collected(folder, window={"start": "2025-10-07T00:00:00Z", "end": "2025-10-08T00:00:00Z"})
    assert unread == []
    commits = draft.written("commits")
    assert commits["subject"].tolist() == ["drop the type: token=***", "second"]
    assert commits["author"].tolist() == ["Ann Müller"] * 2
    # The second commit was made at 19:30 in Berlin, half an hour before the first one's 18:00 UTC.
    assert [at.isoformat() for at in commits["committed_at"]] == [
        "2025-10-07T18:00:00+00:00",
        "2025-10-07T17:30:00+00:00",
    ]
    assert commits["paths"].tolist() == [("alembic/versions/086.py",), ("db/migrate/1_a.sql", "db/migrate/2_b.sql")]


def test_a_repository_of_somebody_else_is_read(folder, history):
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another account")
    for path in [history, *history.rglob("*")]:
        os.chown(path, 65534, 65534)
    draft, unread = collected(folder)
    assert unread == []
    assert len(draft.written("commits")) == 2


def test_nothing_that_a_repository_names_is_run(folder, history):
    trap = folder.parent / "ran"
    program = folder.parent / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    for name in (
        "core.fsmonitor", "core.pager", "pager.log", "gpg.program", "diff.external", "core.sshCommand",
        "diff.x.textconv", "diff.x.command", "filter.x.smudge", "filter.x.clean", "credential.helper", "core.editor",
    ):  # fmt: skip
        git(history, "config", name, str(program))
    git(history, "config", "log.showSignature", "true")
    git(history, "config", "log.diffMerges", "on")
    git(history, "config", "filter.x.required", "true")
    (history / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n")
    hooks = history / ".git" / "hooks"
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    draft, unread = collected(folder)
    assert not trap.exists()
    assert unread == []
    subprocess.run(["git", "-C", str(history), "status"], capture_output=True, env=GIT, check=False)
    assert trap.exists(), "the trap is not armed: an ordinary git would not have run it either"
    assert len(draft.written("commits")) == 2


def test_reading_changes_nothing_in_the_repository(folder, history):
    def state():
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in history.rglob("*")}

    before = state()
    collected(folder)
    assert state() == before


@pytest.mark.parametrize("git_there", [True, False])
def test_without_history_there_is_a_gap_and_the_repository_counts_as_read(folder, monkeypatch, git_there):
    if git_there:
        programs.git()
    else:
        monkeypatch.setenv("PATH", str(folder))
    draft, unread = collected(folder)
    assert unread == []
    row = question(draft, "commits")
    reason = "the folder is no git repository" if git_there else "there is no git on this machine"
    assert (row["status"], row["named"], row["reason"]) == ("unavailable", False, reason)
    assert row["costs"]
    assert question(draft, "migrations")["status"] == "answered"


def test_a_missing_repository_is_named(folder):
    draft, unread = collected(folder, repository="../nowhere")
    assert [source for source, _ in unread] == ["migrations", "commits"]
    assert question(draft, "migrations")["reason"] == "there is no folder ../nowhere"


def test_a_case_without_repository_skips_both(folder):
    case = cases.build({"logs": ["a.log"]}, folder / "case.yaml")
    draft = Draft.begin(folder)
    assert read_repository(case, draft) == []
    assert {question(draft, name)["status"] for name in ("migrations", "commits")} == {"skipped"}


def test_links_big_and_binary_files_are_counted(folder):
    migrate = folder.parent / "backend" / "db" / "migrate"
    (folder.parent / "secret.sql").write_text("DROP TABLE outside;")
    (migrate / "3_link.sql").symlink_to(folder.parent / "secret.sql")
    (migrate / "outside").symlink_to(folder.parent, target_is_directory=True)
    (migrate / "4_big.sql").write_text("-- x\n" * 500_000)
    (migrate / "5_binary.sql").write_bytes(b"DROP TABLE z;\0")
    (migrate / "6_broken.py").write_text("revision = 'x'\ndown_revision = = 1\n")
    draft, _ = collected(folder)
    reason = question(draft, "migrations")["reason"]
    assert reason == "1 Python files that cannot be parsed, 1 binary files, 1 files larger than 2 MiB, 1 links"
    assert "outside" not in draft.written("migration_operations").to_csv()


def test_a_migrations_folder_outside_is_refused(folder):
    (folder.parent / "backend" / "out").symlink_to(folder.parent, target_is_directory=True)
    _, unread = collected(folder, migrations=["out"])
    assert ("migrations", "out leads out of the repository") in unread


def test_pipes_and_folders_that_nest_without_end_hold_nobody_up(folder):
    backend = folder.parent / "backend"
    os.mkfifo(backend / "pipe.sql")
    (backend / "pipe.py").symlink_to("pipe.py")
    inner = os.open(backend, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=inner)
        inner, outer = os.open("d", os.O_RDONLY, dir_fd=inner), inner
        os.close(outer)
    os.close(inner)
    try:
        draft, unread = collected(folder)
    finally:
        # shutil recurses before Python 3.13: pytest could not clear up behind this test.
        subprocess.run(["rm", "-rf", str(backend / "d")], check=True)
    assert unread == []
    assert "1 pipes, sockets or devices" in question(draft, "code_hits")["reason"]
    assert len(draft.written("migrations"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_files_in_another_encoding_are_read(folder, encoding):
    (folder.parent / "backend" / "tidy.sql").write_bytes("-- für später\nTRUNCATE carts;\n".encode(encoding))
    draft, _ = collected(folder)
    found = draft.written("code_hits").set_index("path")
    assert (found.loc["tidy.sql", "object"], found.loc["tidy.sql", "line"]) == ("carts", 2)


def test_a_folder_inside_a_repository_has_its_own_part_of_the_history(folder, history):
    inner = history / "services" / "shop"
    inner.mkdir(parents=True)
    (inner / "purge.sql").write_text("TRUNCATE carts;\n")
    git(history, "add", "services")
    git(history, "commit", "-q", "-m", "purge of the shop")
    draft, _ = collected(folder, repository="../backend/services/shop")
    changes = draft.written("last_changes")
    assert set(zip(changes["path"], changes["subject"], strict=True)) == {("purge.sql", "purge of the shop")}
    assert "purge of the shop" in set(draft.written("commits")["subject"])
