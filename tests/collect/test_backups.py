"""A backup is looked at without restoring it, and called what it is."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import programs
import pyarrow as pa
import pytest

from triage_kit import case as cases
from triage_kit.collect import collect, packed

SHOP = r"""
CREATE SCHEMA "we.ird";
CREATE TABLE "we.ird"."Ta ble" (id int PRIMARY KEY, body text);
INSERT INTO "we.ird"."Ta ble" SELECT g, E'line\n\\.\n\ttab ''quoted''; ' || g FROM generate_series(1, 321) g;
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT g, '(; INSERT INTO x VALUES (1' FROM generate_series(1, 117) g;
CREATE TABLE nothing (id int);
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$ SELECT 'a
COPY public.fake (id) FROM stdin;
INSERT INTO public.fake VALUES (1);
' $x$;
"""
ROWS = {("we.ird", "Ta ble"): 321, ("public", "orders"): 117, ("public", "nothing"): 0}
FORMS = {
    "custom": ("-Fc",), "stored": ("-Fc", "-Z0"), "tar": ("-Ft",), "directory": ("-Fd",), "plain": (),
    "inserts": ("--inserts",), "columns": ("--column-inserts",), "many": ("--rows-per-insert=10",),
    "schema": ("-Fc", "-s"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shelf(server18, tmp_path_factory) -> Path:
    """Dumps of one database in every form that pg_dump writes."""
    folder = tmp_path_factory.mktemp("shelf")
    with server18.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS shelf_shop")
        connection.execute("CREATE DATABASE shelf_shop")
    with server18.connect("shelf_shop") as connection:
        connection.execute(SHOP)
    for name, options in FORMS.items():
        programs.dump(server18, "shelf_shop", folder / name, *options)
    yield folder
    with server18.connect() as connection:
        connection.execute("DROP DATABASE shelf_shop")


def look(tmp_path: Path, *paths: Path, **keys: object):
    done = collect(cases.build({"backups": [str(path) for path in paths], **keys}, tmp_path / "case.yaml"))
    return done, done.bundle.table("backups"), done.bundle.table("backup_tables")


def counted(tables) -> dict[tuple[str, str], int]:
    return {(row.schema, row.table): row.rows for row in tables.dropna(subset="rows").itertuples()}


@pytest.mark.parametrize("form", [form for form in FORMS if form != "schema"])
def test_every_form_is_counted_table_by_table(shelf, tmp_path, form) -> None:
    before = datetime.now(UTC)
    _, found, tables = look(tmp_path, shelf / form)
    [row] = found.to_dict("records")
    assert (row["kind"], row["state"], row["server_version"][:3]) == ("dump", "complete", "18.")
    inserted = {name: rows for name, rows in ROWS.items() if rows or form not in ("inserts", "columns", "many")}
    assert counted(tables) == (ROWS if form in ("custom", "stored", "tar", "directory") else inserted)
    assert tables["whole"].all()
    assert row["rows"] == sum(ROWS.values())
    if form in ("custom", "stored", "tar", "directory"):
        assert row["database"] == "shelf_shop"
        local = row["began_at"].to_pydatetime().replace(tzinfo=None).astimezone()
        assert timedelta(0) <= before - local < timedelta(minutes=30)


def test_a_dump_without_rows_is_no_backup_of_rows(shelf, tmp_path) -> None:
    _, found, _ = look(tmp_path, shelf / "schema")
    assert found["state"].tolist() == ["schema_only"]


def test_a_dump_that_is_cut_is_called_cut_and_counts_no_more_than_it_holds(shelf, tmp_path) -> None:
    for form in ("custom", "stored", "tar", "plain", "inserts", "many"):
        whole = (shelf / form).read_bytes()
        for share in (0.3, 0.5, 0.8, 0.95):
            (tmp_path / f"{form}-{share}").write_bytes(whole[: int(len(whole) * share)])
    _, found, tables = look(tmp_path, *sorted(tmp_path.glob("*-0.*")))
    assert len(found) == 24
    assert set(found["state"]) == {"cut"}
    assert found["trouble"].str.len().gt(0).all()
    for _, of in tables.groupby("file"):
        held = counted(of)
        assert all(rows <= ROWS[name] for name, rows in held.items())
        short = {name for name, rows in held.items() if rows < ROWS[name]}
        unsure = of[~of["whole"].fillna(False).astype(bool)]
        assert short <= {(row.schema, row.table) for row in unsure.itertuples()}


def test_a_directory_that_lacks_a_file_is_cut(shelf, tmp_path) -> None:
    shutil.copytree(shelf / "directory", tmp_path / "part")
    biggest = max((tmp_path / "part").glob("[0-9]*.dat*"), key=lambda path: path.stat().st_size)
    biggest.unlink()
    _, found, _ = look(tmp_path, tmp_path / "part")
    assert found["state"].tolist() == ["cut"]
    assert "not there" in found["trouble"].iloc[0]


def pack(packer: str, source: Path, packed: Path) -> None:
    """What the program of that name makes of a file; where it is missing, its library."""
    if shutil.which(packer):
        with source.open("rb") as stream, packed.open("wb") as out:
            subprocess.run([packer, "-c"], stdin=stream, stdout=out, check=True)
    else:
        with pa.CompressedOutputStream(str(packed), packer) as out:
            out.write(source.read_bytes())


@pytest.mark.parametrize("packer", ["gzip", "zstd", "lz4"])
@pytest.mark.parametrize("form", ["plain", "custom"])
def test_packed_dumps_are_read_as_they_are(shelf, tmp_path, packer, form) -> None:
    pack(packer, shelf / form, tmp_path / "packed")
    _, found, tables = look(tmp_path, tmp_path / "packed")
    assert (found["packing"].tolist(), found["state"].tolist()) == (
        [packer if form == "plain" else "gzip"],
        ["complete"],
    )
    assert counted(tables) == ROWS


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> Path:
    """What pg_dump 16.15, 17.10 and 18.6, built with LZ4 and Zstandard, wrote with -Z lz4 and -Z zstd of SHOP's tables.

    Most builds lack one of the two, so the archives themselves are kept.
    """
    folder = tmp_path_factory.mktemp("archives")
    with zipfile.ZipFile(Path(__file__).with_name("archives.zip")) as kept:
        kept.extractall(folder)
    return folder


@pytest.mark.parametrize("form", ["custom", "directory"])
@pytest.mark.parametrize("packer", ["lz4", "zstd"])
@pytest.mark.parametrize("major", [16, 17, 18])
def test_archives_that_pg_dump_packed_are_counted_and_called_cut(archives, tmp_path, major, packer, form) -> None:
    whole = archives / f"{major}-{packer}-{form}"
    _, found, tables = look(tmp_path, whole)
    [row] = found.to_dict("records")
    assert (row["format"], row["packing"], row["state"], row["database"]) == (form, packer, "complete", "shop")
    assert (row["server_version"][:2], row["by_version"][:2], row["rows"]) == (str(major), str(major), 438)
    assert counted(tables) == ROWS
    assert tables["whole"].all()
    if form == "custom":
        cut = [tmp_path / f"cut-{share}" for share in (0.6, 0.8, 0.97)]
        for path in cut:
            path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * float(path.name[4:]))])
    else:
        cut = [Path(shutil.copytree(whole, tmp_path / name)) for name in ("short", "gone")]
        short, gone = (max(path.glob("[0-9]*.dat.*"), key=lambda each: each.stat().st_size) for path in cut)
        short.write_bytes(short.read_bytes()[:-50])
        gone.unlink()
    (tmp_path / "again").mkdir()
    _, found, tables = look(tmp_path / "again", *cut)
    assert set(found["state"]) == {"cut"}
    assert not tables.groupby("file")["whole"].all().any()


@pytest.mark.parametrize("form", ["-Fc", "-Fd", "-Fp"])
def test_whatever_this_pg_dump_packs_is_read(server18, shelf, tmp_path, form) -> None:
    """Each packer that this build of pg_dump has; what others write: test_archives_that_pg_dump_packed_…"""
    read = {}
    for packer in ("gzip", "lz4", "zstd"):
        tried = programs.run(programs.program("pg_dump", at_least=18), form, "-Z", packer, "--file", tmp_path / packer,
                             server18.url("shelf_shop"), check=False)  # fmt: skip
        if "does not support" in tried.stderr:
            continue
        assert tried.returncode == 0, tried.stderr
        (tmp_path / f"read {packer}").mkdir()
        _, found, tables = look(tmp_path / f"read {packer}", tmp_path / packer)
        assert counted(tables) == ROWS
        read[packer] = found[["packing", "state"]].to_numpy().tolist()
    assert "gzip" in read
    assert read == {packer: [[packer, "complete"]] for packer in read}


@pytest.mark.parametrize("packer", ["gzip", "zstd", "lz4"])
@pytest.mark.parametrize("form", ["plain", "stored"])
def test_a_packed_dump_that_is_cut_is_called_cut(shelf, tmp_path, packer, form) -> None:
    pack(packer, shelf / form, tmp_path / "packed")
    half = tmp_path / "packed"
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    _, found, _ = look(tmp_path, half)
    assert found["state"].tolist() == ["cut"]
    assert "broken" in found["trouble"].iloc[0] or "cut" in found["trouble"].iloc[0]


@pytest.mark.parametrize("packer", ["gzip", "zstd", "lz4"])
def test_of_a_packed_stream_that_is_cut_all_that_stood_before_is_given(tmp_path, packer) -> None:
    lines = b"".join(b"%d\t%x\n" % (n, n * 2654435761) for n in range(1_000_000))  # blocks of lz4 have 4 MiB
    (tmp_path / "lines").write_bytes(lines)
    pack(packer, tmp_path / "lines", tmp_path / "packed")
    packed_lines = (tmp_path / "packed").read_bytes()
    got = b""
    with pytest.raises(packed.Broken):  # noqa: PT012 what came before it counts
        for piece in packed.pieces(io.BytesIO(packed_lines[: len(packed_lines) // 2])):
            got += piece
    assert lines.startswith(got)
    assert len(got) > len(lines) * 0.3


def test_dumps_of_every_major(server, database, tmp_path) -> None:
    with server.connect(database) as connection:
        connection.execute(SHOP)
    programs.dump(server, database, tmp_path / "one.dump", "-Fc")
    _, found, tables = look(tmp_path, tmp_path / "one.dump")
    assert found["server_version"].iloc[0].startswith(str(server.version[0]))
    assert counted(tables) == ROWS


def test_a_base_backup_says_from_where_to_where_it_reaches(server18, tmp_path) -> None:
    program = programs.program("pg_basebackup", at_least=18)
    host = server18.folder
    target = tmp_path / "base"
    programs.run(program, "-h", host, "-p", "5432", "-U", "postgres", "-D", target, "--checkpoint=fast", "--no-sync")
    _, found, _ = look(tmp_path, target)
    [row] = found.to_dict("records")
    assert (row["kind"], row["state"], row["timeline"]) == ("base_backup", "complete", 1)
    with server18.connect() as connection:
        query = ("SELECT system_identifier::text, pg_current_wal_lsn() >= %s::pg_lsn, %s::pg_lsn > %s::pg_lsn "
                 "FROM pg_control_system()")  # fmt: skip
        got = connection.execute(query, (row["stop_lsn"], row["stop_lsn"], row["start_lsn"])).fetchone()
    assert got == (row["system_identifier"], True, True)
    next((target / "base" / "1").glob("1*")).unlink()
    _, found, _ = look(tmp_path / "again", target) if (tmp_path / "again").mkdir() is None else None
    assert found["state"].tolist() == ["cut"]
    shutil.rmtree(target)


PGBACKREST = """[{"archive":[{"database":{"id":1,"repo-key":1},"id":"18-1","max":"000000010000000000000042",
"min":"000000010000000000000011"}],"backup":[{
"archive":{"start":"000000010000000000000020","stop":"000000010000000000000021"},
"backrest":{"format":5,"version":"2.54"},"database":{"id":1,"repo-key":1},"error":false,"info":{"size":31457280},
"label":"20251007-020000F",
"lsn":{"start":"0/20000028","stop":"0/21000050"},"timestamp":{"start":1759802400,"stop":1759802460},
"type":"full"}],"db":[{"id":1,"repo-key":1,"system-id":7123456789012345678,"version":"18"}],"name":"main",
"status":{"code":0,"message":"ok"}}]"""
WALG = """[{"backup_name":"base_000000010000000000000020",
"time":"2025-10-07T02:01:00Z","wal_file_name":"000000010000000000000020",
"start_time":"2025-10-07T02:00:00Z","finish_time":"2025-10-07T02:01:00Z","pg_version":180000,"start_lsn":536870952,
"finish_lsn":553648208,"uncompressed_size":31457280,"system_identifier":7123456789012345678}]"""
BARMAN = """{"main":{"backup_id":"20251007T020000","status":"DONE","system_id":"7123456789012345678",
"postgresql_version":180006,
"base_backup_information":
{"begin_time_timestamp":"1759802400","end_time_timestamp":"1759802460","begin_lsn":"0/20000028","end_lsn":"0/21000050",
"begin_wal":"000000010000000000000020","timeline":1}}}"""
SHOWN = """Backup 20251007T020000:
  Server Name            : main
  System Id              : 7123456789012345678
  Status                 : DONE
  PostgreSQL Version     : 180006
  Base backup information:
    Timeline             : 1
    Begin WAL            : 000000010000000000000020
    Begin time           : 2025-10-07 02:00:00.000000+00:00
    End time             : 2025-10-07 02:01:00.000000+00:00
    Begin LSN            : 0/20000028
    End LSN              : 0/21000050
"""


@pytest.mark.parametrize(("text", "kind"), [(PGBACKREST, "pgbackrest"), (WALG, "wal_g"), (BARMAN, "barman"),
                                            (SHOWN, "barman")])  # fmt: skip
def test_lists_of_backup_tools_tell_time_and_place(tmp_path, text, kind) -> None:
    (tmp_path / "list").write_text(text)
    done, found, _ = look(tmp_path, tmp_path / "list")
    [row] = found.to_dict("records")
    assert (row["kind"], row["state"], row["start_lsn"], row["stop_lsn"]) == (
        kind,
        "complete",
        "0/20000028",
        "0/21000050",
    )
    assert (row["began_at"], row["finished_at"]) == (
        datetime(2025, 10, 7, 2, tzinfo=UTC),
        datetime(2025, 10, 7, 2, 1, tzinfo=UTC),
    )
    assert row["system_identifier"] == "7123456789012345678"
    assert row["server_version"] == "18"
    assert kind == "wal_g" or row["stanza"] == "main"  # which the printed commands name
    if kind == "pgbackrest":
        [run] = done.bundle.table("wal_archive").to_dict("records")
        assert (run["first"][-2:], run["last"][-2:]) == ("11", "42")


LISTS = Path(__file__).with_name("lists")  # what the tools wrote about backups of PostgreSQL 15, paths apart


@pytest.mark.parametrize("name", ["barman-show-backup.txt", "barman-show-backup.json"])
def test_what_barman_3_4_wrote_is_read_whole(tmp_path, name) -> None:
    _, found, _ = look(tmp_path, LISTS / name)
    [row] = found.to_dict("records")
    assert (row["kind"], row["label"], row["state"]) == ("barman", "20261125T195042", "complete")
    assert (row["start_lsn"], row["stop_lsn"], row["wal_from"]) == ("0/3000028", "0/4000060", f"{1:08X}{0:08X}{3:08X}")
    assert (row["server_version"], row["timeline"], row["stanza"]) == ("15", 1, "main")
    assert row["finished_at"].to_pydatetime().replace(microsecond=0) == datetime(2026, 11, 25, 19, 52, 23, tzinfo=UTC)


@pytest.mark.parametrize("name", ["barman-list-backup.txt", "barman-list-backup.json"])
def test_a_short_list_of_barman_tells_when_and_what_is_not_told_is_missing(tmp_path, name) -> None:
    _, found, _ = look(tmp_path, LISTS / name)
    [row] = found.to_dict("records")
    assert (row["kind"], row["label"], row["state"]) == ("barman", "20261125T195042", "complete")
    assert row["finished_at"].to_pydatetime() == datetime(2026, 11, 25, 19, 52, 23, tzinfo=UTC)
    assert row["start_lsn"] != row["start_lsn"]  # not a number: missing


def test_what_pgbackrest_2_45_wrote_is_read_whole(tmp_path) -> None:
    done, found, _ = look(tmp_path, LISTS / "pgbackrest-info.json")
    [row] = found.to_dict("records")
    assert (row["kind"], row["label"], row["state"]) == ("pgbackrest", "20261126-044802F", "complete")
    assert (row["start_lsn"], row["stop_lsn"], row["wal_from"]) == ("0/2000028", "0/2000138", f"{1:08X}{0:08X}{2:08X}")
    assert (row["server_version"], row["stanza"], row["by_version"]) == ("15", "main", "2.45")
    assert row["began_at"].to_pydatetime() == datetime(2026, 11, 26, 4, 48, 2, tzinfo=UTC)
    [run] = done.bundle.table("wal_archive").to_dict("records")
    assert (run["first"][-1], run["last"][-1]) == ("1", "3")


def test_gaps_of_an_archive_are_seen_in_a_folder_and_in_a_list(tmp_path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    names = [f"{1:08X}{0:08X}{number:08X}" for number in (5, 6, 7, 9)] + [f"{2:08X}{0:08X}{9:08X}"]
    for name in names:
        (archive / f"{name}.gz").write_bytes(b"\x1f\x8b")
    (archive / "00000002.history").write_text("1\t0/9000000\n")
    (tmp_path / "listing.txt").write_text("".join(f"-rw------- 1 p p 9 Oct  7 20:00 wal/{name}\n" for name in names))
    done, _, _ = look(tmp_path, archive, tmp_path / "listing.txt")
    runs = done.bundle.table("wal_archive")
    for _, of in runs.groupby("source"):
        assert of[["timeline", "segments"]].values.tolist() == [[1, 3], [1, 1], [2, 1]]


@pytest.mark.parametrize("content", [
    b"", b"PGDMP", b"PGDMP\x01\x0e\x00\x04\x08\x01" + b"\x00\xff\xff\xff\x7f" * 40, b"\x1f\x8b" + b"x" * 50,
    gzip.compress(b"\0" * 10_000_000), b"[" * 100_000, b'[{"backup": [[[]]], "archive": 7}]', b"\xff" * 5000,
    b"PGDMP\x01\x10\x00\x04\x08\x01\x01" + b"\x00" * 300,
], ids=range(9))  # fmt: skip
def test_hostile_files_cost_a_line_and_nothing_else(tmp_path, content) -> None:
    (tmp_path / "odd.dump").write_bytes(content)
    done, found, _ = look(tmp_path, tmp_path / "odd.dump")
    assert set(found["state"]) <= {"unreadable", "cut"}
    assert len(done.named_unread) == 1 or set(found["state"]) == {"cut"}
    assert "\n" not in "".join(done.named_unread)


def test_a_table_of_contents_cannot_lead_out_of_its_folder(shelf, tmp_path) -> None:
    shutil.copytree(shelf / "directory", tmp_path / "trap")
    toc = (tmp_path / "trap" / "toc.dat").read_bytes()
    name = max((tmp_path / "trap").glob("[0-9]*.dat*"), key=lambda path: path.stat().st_size).name.removesuffix(".gz")
    (tmp_path / "out").mkdir()
    evil = b"../x.dat"[: len(name)].ljust(len(name), b"t")
    assert toc.count(name.encode()) == 1
    (tmp_path / "trap" / "toc.dat").write_bytes(toc.replace(name.encode(), evil))
    (tmp_path / evil.decode().removeprefix("../")).write_bytes(zlib.compress(b"1\n\\.\n"))
    _, found, tables = look(tmp_path, tmp_path / "trap")
    assert "not looked for" in found["trouble"].iloc[0]
    assert tables["rows"].isna().sum() == 1


def test_nothing_there_is_said_and_ends_with_a_named_gap(tmp_path) -> None:
    done, _, _ = look(tmp_path, tmp_path / "nowhere.dump")
    [unread] = done.named_unread
    assert "nothing matches" in unread


def test_a_copied_data_directory_tells_its_control_file(server18, tmp_path) -> None:
    copy = tmp_path / "pgdata"
    (copy / "global").mkdir(parents=True)
    (copy / "base" / "5").mkdir(parents=True)
    for name in ("PG_VERSION", "global/pg_control"):
        shutil.copyfile(server18.data / name, copy / name)
    done = collect(cases.build({"data_directory": "pgdata"}, tmp_path / "case.yaml"))
    [row] = done.bundle.table("data_directories").to_dict("records")
    with server18.connect() as connection:
        query = ("SELECT s.system_identifier::text, to_timestamp(s.system_identifier >> 32), c.timeline_id "
                 "FROM pg_control_system() s, pg_control_checkpoint() c")  # fmt: skip
        got = connection.execute(query).fetchone()
    assert got == (row["system_identifier"], row["initdb_at"], row["timeline"])
    assert (row["major"], row["state"], row["databases"]) == (18, "in production", ("5",))
