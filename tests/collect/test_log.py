"""Logs from a case folder into evidence: what is read, what is kept, what is refused, and with which words."""

import gzip
import hashlib
import json
import random

import pyarrow as pa
import pytest

from triage_kit import case as cases
from triage_kit.bundle import Draft
from triage_kit.collect import log as logs
from triage_kit.collect import log_reading
from triage_kit.collect.log import read_logs

STAMP = "2025-10-07 20:27:38.343 UTC"
CHECKPOINT = (
    "checkpoint complete: wrote 315 buffers (1.9%); 0 WAL file(s) added, 0 removed, 0 recycled; write=1.0 s, "
    "sync=0.1 s, total=1.2 s; sync files=210, longest=0.01 s, average=0.001 s; distance=1 kB, estimate=2 kB"
)
LINES = [
    f'{STAMP} [12] app@shop ERROR:  syntax error at or near "\\" at character 44',
    f"{STAMP} [12] app@shop STATEMENT:  DELETE FROM migration.collection_flows WHERE status \\!= 'completed'",  # noqa: S608 a log's line
    f"{STAMP} [12] app@shop LOG:  statement: ALTER ROLE app PASSWORD 'hunter2'",
    f"{STAMP} [7] LOG:  {CHECKPOINT}",
    "not a line of this log, password=hunter2",
]
TEXT = ("\n".join(LINES) + "\n").encode()


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "case"
    (home / "log").mkdir(parents=True)
    return home


def collected(folder, logs, settings=None, **keys):
    data = {"logs": logs, **keys}
    case = cases.build(data, folder / "case.yaml")
    heard = []
    draft = Draft.begin(folder)
    unread = read_logs(case, draft, settings, lambda event, **facts: heard.append((event, facts)))
    return draft, unread, heard


def question(draft, source):
    [row] = [row for row in draft._journal["questions"] if row["source"] == source]
    return row


def test_entries_reach_their_tables_without_secrets(folder):
    (folder / "log" / "a.log").write_bytes(TEXT)
    draft, unread, heard = collected(folder, ["log/*.log"])
    assert unread == []
    events = draft.written("log_events")
    assert list(events["file"].unique()) == ["log/a.log"]
    assert list(events["kind"]) == ["error", "statement", "checkpoint_complete"]
    assert list(events["line"]) == [1, 3, 4]
    assert events["outcome"].iloc[0] == "failed"
    assert (events["buffers"].iloc[2], events["sync_files"].iloc[2]) == (315, 210)
    assert events["at"].iloc[0].isoformat() == "2025-10-07T20:27:38.343000+00:00"
    [source] = draft.written("log_sources").to_dict("records")
    assert (source["lines"], source["entries"], source["unparsed"], source["left_out"]) == (5, 3, 1, 0)
    assert (source["prefix"], source["prefix_from"]) == ("%m [%p] %q%u@%d ", "inferred")
    assert (source["bytes"], source["sha256"]) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    for table in ("log_events", "log_unparsed"):
        assert "hunter2" not in draft.written(table).to_csv()
    assert draft.written("log_unparsed")["text"].tolist() == ["not a line of this log, password=***"]
    assert heard[-1][1]["source"] == "log:log/a.log"
    assert question(draft, "log:log/a.log")["status"] == "answered"


def test_raw_bytes_are_kept_as_they_are(folder):
    packed = gzip.compress(TEXT)
    (folder / "log" / "a.log.gz").write_bytes(packed)
    draft, _, _ = collected(folder, ["log/a.log.gz"])
    with draft.seal().raw("log/a.log.gz") as stream:
        assert stream.read() == packed


@pytest.mark.parametrize("name", ["a.log.gz", "a.log.zst", "a.log"])
def test_packed_logs_are_read_like_plain_ones(folder, name):
    if name.endswith("gz"):
        data = gzip.compress(TEXT)
    elif name.endswith("zst"):
        data = zstd(TEXT)
    else:
        data = TEXT
    (folder / "log" / name).write_bytes(data)
    draft, unread, _ = collected(folder, [f"log/{name}"])
    assert unread == []
    assert draft.written("log_sources")["lines"].tolist() == [5]
    assert draft.written("log_events")["offset"].tolist()[1] == TEXT.index(LINES[2].encode())


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: zstd(gzip.compress(data)),
        lambda data: gzip.compress(zstd(data)),
        lambda data: data.decode().encode("utf-16"),  # as PowerShell writes what a command prints
        lambda data: gzip.compress(data.decode().replace("\n", "\r\n").encode("utf-16")),
    ],
    ids=["gzip in zstd", "zstd in gzip", "utf-16", "utf-16 in gzip"],
)
@pytest.mark.parametrize("times", [1, 400])
def test_one_packing_in_another_and_utf16_are_read_like_plain_ones(folder, pack, times):
    text = TEXT.replace(b"hunter2", "höñter☃".encode()) * times
    (folder / "log" / "plain.log").write_bytes(text)
    plain, _, _ = collected(folder, ["log/plain.log"])
    told = plain.written("log_events").drop(columns=["file", "offset"])
    assert len(told) == 3 * times
    other = folder.parent / "other"
    (other / "log").mkdir(parents=True)
    (other / "log" / "x").write_bytes(pack(text))
    draft, unread, _ = collected(other, ["log/x"])
    assert unread == []
    assert question(draft, "log:log/x")["reason"] is None
    assert draft.written("log_events").drop(columns=["file", "offset"]).equals(told)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_cut_archive_gives_what_it_holds_and_says_so(folder, packing):
    body = "".join(f"{STAMP} [12] app@shop ERROR:  {i} {hashlib.sha256(bytes(i)).hexdigest()}\n" for i in range(5000))
    data = gzip.compress(body.encode()) if packing == "gzip" else zstd(body.encode())
    (folder / "log" / "a.gz").write_bytes(data[:-2000])
    draft, _, _ = collected(folder, ["log/a.gz"])
    assert 1000 < len(draft.written("log_events")) < 5000
    assert "cut or broken" in question(draft, "log:log/a.gz")["reason"]


def test_joined_archives_are_one_log(folder):
    (folder / "log" / "a.gz").write_bytes(gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]) + b"\0" * 512)
    draft, unread, _ = collected(folder, ["log/a.gz"])
    assert unread == []
    assert question(draft, "log:log/a.gz")["reason"] is None
    assert draft.written("log_sources")["lines"].tolist() == [5]


def test_a_bomb_is_not_unpacked(folder, monkeypatch):
    monkeypatch.setattr("triage_kit.collect.log_files._LEAST_BOUND", 1 << 20)
    (folder / "log" / "a.gz").write_bytes(gzip.compress(TEXT + b"\0" * (64 << 20)))
    draft, _, _ = collected(folder, ["log/a.gz"])
    assert "read no further" in question(draft, "log:log/a.gz")["reason"]
    assert len(draft.written("log_events")) == 3


def test_what_cannot_be_read_is_named_with_its_reason(folder):
    (folder / "log" / "empty.log").write_bytes(b"")
    (folder / "log" / "junk.log").write_bytes(b"hello\nworld\n")
    (folder / "log" / "sub").mkdir()
    names = ["log/empty.log", "log/junk.log", "log/sub", "nothing/*.log", "docker:--help"]
    draft, unread, _ = collected(folder, names)
    assert [source for source, _ in unread] == [f"log:{name}" for name in names]
    told = {name: question(draft, f"log:{name}") for name in names}
    assert {name: row["status"] for name, row in told.items()} == {
        "log/empty.log": "failed",
        "log/junk.log": "failed",
        "log/sub": "failed",
        "nothing/*.log": "unavailable",
        "docker:--help": "unavailable",
    }
    assert all(row["named"] and row["costs"] for row in told.values())
    assert "got the line 'hello'" in told["log/junk.log"]["reason"]
    assert not any(str(folder) in row["reason"] for row in told.values())


def test_an_empty_file_beside_a_full_one_is_no_failure(folder):
    (folder / "log" / "a.log").write_bytes(TEXT)
    (folder / "log" / "b.log").write_bytes(b"")
    draft, unread, _ = collected(folder, ["log/*.log"])
    assert unread == []
    assert question(draft, "log:log/b.log")["reason"] == "the file is empty"


def test_the_prefix_comes_from_case_or_server_or_is_inferred(folder):
    (folder / "log" / "a.log").write_bytes(TEXT)
    draft, _, _ = collected(folder, ["log/a.log"], {"log_line_prefix": "%m [%p] %q%u@%d "})
    assert draft.written("log_sources")["prefix_from"].tolist() == ["server"]
    draft.close()
    draft.folder.rename(folder / "first")
    draft, _, _ = collected(folder, ["log/a.log"], {"log_line_prefix": "%t of another server "})
    assert draft.written("log_sources")["prefix_from"].tolist() == ["inferred"]
    draft.close()
    draft.folder.rename(folder / "second")
    draft, _, _ = collected(folder, ["log/a.log"], log_line_prefix="%m [%p] %q%u@%d ")
    assert draft.written("log_sources")["prefix_from"].tolist() == ["case"]
    draft.close()
    draft.folder.rename(folder / "third")
    draft, [(_, reason)], _ = collected(folder, ["log/a.log"], log_line_prefix="<%p> ")
    assert "'<%p> '" in reason
    assert LINES[0][:60].replace("'", "") in reason.replace("'", "")


def test_a_time_zone_of_the_server_is_used_unless_the_case_says_another(folder):
    (folder / "log" / "a.log").write_bytes(TEXT.replace(b"UTC", b"CST"))
    draft, _, _ = collected(folder, ["log/a.log"], {"log_timezone": "Asia/Shanghai"})
    assert draft.written("log_events")["at"].iloc[0].isoformat() == "2025-10-07T12:27:38.343000+00:00"
    draft.close()
    draft.folder.rename(folder / "first")
    draft, _, _ = collected(folder, ["log/a.log"], {"log_timezone": "Asia/Shanghai"}, log_timezone="America/Chicago")
    # In October Chicago has CDT; CST is not what it wrote then, so its own offset of the day is taken and counted.
    assert draft.written("log_events")["at"].iloc[0].isoformat() == "2025-10-08T01:27:38.343000+00:00"
    assert draft.written("log_sources")["zones_unresolved"].tolist() == [3]


def test_ordinary_entries_are_bounded_and_counted_destructive_ones_are_not(folder, monkeypatch):
    monkeypatch.setattr(log_reading, "MOST_OTHER", 10)
    monkeypatch.setattr(log_reading, "MOST_ORDINARY", 20)
    lines = []
    for i in range(100):
        lines += [f"{STAMP} [12] LOG:  noise {i}", f"{STAMP} [12] LOG:  statement: SELECT {i}", f"{STAMP} [12] LOG:  statement: TRUNCATE t{i}"]  # fmt: skip  # noqa: E501
    (folder / "log" / "a.log").write_text("\n".join(lines) + "\n")
    draft, _, _ = collected(folder, ["log/a.log"])
    events = draft.written("log_events")
    assert len(events) == 130
    assert events["message"].str.contains("TRUNCATE").sum() == 100
    assert draft.written("log_sources")["left_out"].tolist() == [170]
    assert set(events.loc[events["message"].str.contains("TRUNCATE"), "outcome"].iloc[:99]) == {"committed"}


def test_an_interrupted_run_reads_the_rest(folder):
    (folder / "log" / "a.log").write_bytes(TEXT)
    draft, _, _ = collected(folder, ["log/a.log"])
    draft.close()
    (folder / "log" / "b.log").write_bytes(TEXT)
    draft, _, heard = collected(folder, ["log/a.log", "log/b.log"])
    assert [facts["source"] for _, facts in heard] == ["log:log/b.log"]
    assert draft.written("log_events")["file"].value_counts().to_dict() == {"log/a.log": 3, "log/b.log": 3}
    assert len(draft.written("log_sources")) == 2


def test_names_never_hold_the_machine(folder, tmp_path):
    beside = tmp_path / "elsewhere"
    beside.mkdir()
    (beside / "a.log").write_bytes(TEXT)
    draft, _, _ = collected(folder, ["../elsewhere/*.log"])
    assert draft.written("log_sources")["file"].tolist() == ["../elsewhere/a.log"]
    draft.close()
    draft.folder.rename(folder / "first")
    draft, _, _ = collected(folder, [str(beside / "a.log")])
    assert str(tmp_path) not in draft.written("log_sources")["file"].tolist()[0]


def test_one_file_named_twice_is_read_once(folder):
    (folder / "log" / "a.log").write_bytes(TEXT)
    draft, _, _ = collected(folder, ["log/*.log", "log/a.log"])
    assert len(draft.written("log_events")) == 3


def test_a_container_file_is_read_like_the_log_in_it(folder):
    lines = TEXT.decode().splitlines(keepends=True)[:4]
    rows = [{"log": line, "stream": "stderr", "time": "2025-10-07T20:27:38.343123456Z"} for line in lines]
    (folder / "log" / "x-json.log").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    draft, unread, _ = collected(folder, ["log/*-json.log"])
    assert unread == []
    assert list(draft.written("log_events")["kind"]) == ["error", "statement", "checkpoint_complete"]
    [source] = draft.written("log_sources").to_dict("records")
    assert (source["format"], source["wrapper"], source["lines"]) == ("stderr", "json", 4)


def test_a_transaction_goes_on_in_the_next_file(folder):
    """Rotation knows nothing of transactions; names sort the files otherwise than their times do."""
    at = "2025-10-07 20:{:02}:00.000 UTC [12] app@shop LOG:  statement: {}\n"
    (folder / "log" / "z.log").write_text(at.format(1, "BEGIN") + at.format(2, "DELETE FROM a"))
    (folder / "log" / "a.log").write_text(at.format(3, "TRUNCATE b") + at.format(4, "ROLLBACK"))
    draft, _, _ = collected(folder, ["log/*.log"])
    events = draft.written("log_events")
    found = dict(zip(events["statement"], events["outcome"], strict=True))
    assert (found["DELETE FROM a"], found["TRUNCATE b"]) == ("rolled_back", "rolled_back")


def test_lines_that_two_files_hold_are_one_event(folder):
    at = "2025-10-07 20:{:02}:00.000 UTC [12] app@shop LOG:  statement: DELETE FROM t{}\n"
    (folder / "log" / "a.log").write_text("".join(at.format(minute, minute % 5) for minute in range(20)))
    (folder / "log" / "b.log").write_text("".join(at.format(minute, minute % 5) for minute in range(10, 30)))
    # The same statement twice in one file is two events.
    (folder / "log" / "c.log").write_text(at.format(40, 7) * 2)
    draft, _, _ = collected(folder, ["log/*.log"])
    events = draft.written("log_events")
    assert len(events) == 32
    assert events["at"].nunique() == 31
    assert draft.written("log_sources")["repeated"].tolist() == [0, 10, 0]


def test_logs_of_two_servers_at_the_same_time_are_kept_apart(folder):
    at = "2025-10-07 20:{:02}:00.000 UTC [12] app@shop LOG:  statement: {}\n"
    (folder / "log" / "a.log").write_text(at.format(1, "BEGIN") + at.format(9, "DELETE FROM a"))
    (folder / "log" / "b.log").write_text(at.format(5, "TRUNCATE b") + at.format(6, "SELECT 1"))
    draft, _, _ = collected(folder, ["log/*.log"])
    events = draft.written("log_events").set_index("statement")
    assert events.loc["TRUNCATE b", "outcome"] == "committed"
    assert len(events) == 4


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
def test_a_big_file_is_scanned_and_gives_the_same_events(folder, monkeypatch, pack):
    lines = []
    for number in range(3000):
        head = f"2025-10-07 20:{number // 60 % 60:02}:{number % 60:02}.000 UTC [{number % 7 + 11}] app@shop LOG:  "
        lines += [
            head + ("statement: TRUNCATE a" if number % 500 == 0 else "statement: SELECT 1"),
            head + "duration: 0.1 ms",
        ]
    (folder / "log" / "a.log").write_text("\n".join(lines) + "\n")
    plain, _, _ = collected(folder, ["log/a.log"])
    plain_rows, plain_source = plain.written("log_events"), plain.written("log_sources")
    monkeypatch.setattr(log_reading, "SCAN_FROM", 0)
    other = folder.parent / "other"
    (other / "log").mkdir(parents=True)
    packed = pack((folder / "log" / "a.log").read_bytes())
    (other / "log" / "a.log").write_bytes(packed)
    scanned, _, heard = collected(other, ["log/a.log"])
    kept = plain_rows[plain_rows["message"].str.contains("TRUNCATE")].reset_index(drop=True)
    found = scanned.written("log_events")
    assert found[found["message"].str.contains("TRUNCATE")].reset_index(drop=True).equals(kept)
    assert set(kept["outcome"]) == {"committed"}
    columns = ["lines", "entries", "unparsed", "first_at", "last_at"]
    assert scanned.written("log_sources")[columns].equals(plain_source[columns])
    assert scanned.written("log_sources")["left_out"].tolist() == [6000 - len(found)]
    [*_, last] = [facts for event, facts in heard if event == "bytes"]
    assert (last["done"], last["total"]) == (len(packed), len(packed))


def test_a_big_packed_file_that_is_cut_gives_what_stood_before(folder, monkeypatch):
    monkeypatch.setattr(log_reading, "SCAN_FROM", 0)
    lines = [f"{STAMP} [{at % 5 + 11}] app@shop ERROR:  no {at} {random.Random(at).random()}" for at in range(5000)]
    whole = gzip.compress("\n".join(lines).encode())
    (folder / "log" / "a.log").write_bytes(whole[: len(whole) // 2])
    draft, unread, _ = collected(folder, ["log/a.log"])
    assert unread == []
    events = draft.written("log_events")
    assert 1000 < len(events) < 4000
    assert events["line"].tolist() == list(range(1, len(events) + 1))
    assert "cut or broken" in question(draft, "log:log/a.log")["reason"]


@pytest.mark.parametrize("broken", [b"x" * (20 << 20), b"\t" + b"\n\t" * (1 << 18)], ids=["line", "entry"])
def test_an_endless_line_or_entry_in_a_big_file_is_cut_as_in_a_small_one(folder, monkeypatch, broken):
    """The scan reads what does not end in pieces."""
    monkeypatch.setattr(log_reading, "SCAN_FROM", 0)
    monkeypatch.setattr("triage_kit.parse.scan.blocks.LONG", 1 << 18)
    entry = f"{STAMP} [12] app@shop ERROR:  first\n".encode()
    data = entry + broken + b"\n" + entry.replace(b"first", b"last")
    (folder / "log" / "a.log").write_bytes(data)
    draft, unread, _ = collected(folder, ["log/a.log"])
    assert unread == []
    events = draft.written("log_events")
    assert events["line"].tolist() == [1, data.count(b"\n")]
    assert events["message"].str.len().max() <= 1 << 20
    [source] = draft.written("log_sources").to_dict("records")
    assert (source["lines"], source["entries"]) == (data.count(b"\n"), 2)


def test_a_big_file_that_is_cut_while_it_is_scanned_ends_the_scan(folder, monkeypatch):
    monkeypatch.setattr(log_reading, "SCAN_FROM", 0)
    path = folder / "log" / "a.log"
    path.write_bytes(TEXT)
    whole = log_reading.scan

    def while_rotating(*arguments, **options):
        path.write_bytes(TEXT[:200])  # as logrotate's copytruncate does
        return whole(*arguments, **options)

    monkeypatch.setattr(log_reading, "scan", while_rotating)
    draft, unread, _ = collected(folder, ["log/a.log"])
    assert unread == []
    assert "changed, cut or replaced while it was read" in question(draft, "log:log/a.log")["reason"]
    assert draft.written("log_events")["line"].tolist() == [1]


def test_a_kill_between_the_files_of_one_log_doubles_nothing(folder, monkeypatch):
    """What both files hold is told by reading both: none of them is kept before all are."""
    at = "2025-10-07 20:{:02}:00.000 UTC [12] app@shop LOG:  statement: DELETE FROM t\n"
    (folder / "log" / "a.log").write_text("".join(at.format(minute) for minute in range(20)))
    (folder / "log" / "b.log").write_text("".join(at.format(minute) for minute in range(10, 30)))
    whole = Draft.keep_raw

    def killed(draft, name, data):
        if name == "log/b.log":
            raise KeyboardInterrupt
        return whole(draft, name, data)

    monkeypatch.setattr(logs, "KEEP_AFTER", 0)
    monkeypatch.setattr(Draft, "keep_raw", killed)
    with pytest.raises(KeyboardInterrupt):
        collected(folder, ["log/*.log"])
    (folder / ".triage.lock").unlink()  # of the process that was killed
    monkeypatch.setattr(Draft, "keep_raw", whole)
    draft, unread, _ = collected(folder, ["log/*.log"])
    assert unread == []
    assert len(draft.written("log_events")) == 30
    assert draft.written("log_sources")["repeated"].tolist() == [0, 10]


def test_many_patterns_of_small_files_are_not_written_one_by_one(folder, monkeypatch):
    written = []
    whole = Draft.write
    monkeypatch.setattr(Draft, "write", lambda draft, *table: (written.append(table[0]), whole(draft, *table))[1])
    monkeypatch.setattr(logs, "KEEP_AFTER", 1e9)
    for number in range(50):
        (folder / "log" / f"{number}.log").write_bytes(TEXT)
    draft, unread, _ = collected(folder, [f"log/{number}.log" for number in range(50)])
    assert unread == []
    assert sorted(written) == ["log_events", "log_sources", "log_unparsed"]
    assert len(draft.written("log_sources")) == 50


@pytest.mark.parametrize("least", [0, 1 << 40], ids=["scanned", "read plainly"])
def test_what_stands_far_behind_in_a_long_line_is_kept(folder, monkeypatch, least):
    """Bytes of a line's end, of characters and of NULs stand where pieces end."""
    monkeypatch.setattr(log_reading, "SCAN_FROM", least)
    text = "SELECT '" + "añ€😀\0" * 900_000 + "'; TRUNCATE a CASCADE; SELECT '" + "ñ€😀" * 900_000 + "'"
    entry = f"{STAMP} [12] app@shop LOG:  statement: "
    (folder / "log" / "a.log").write_bytes(f"{entry}{text}\r\n{entry}SELECT 1\r\n{entry}DROP TABLE b\r\n".encode())
    draft, unread, _ = collected(folder, ["log/a.log"])
    assert unread == []
    events = draft.written("log_events").set_index("line")["statement"]
    assert "'; TRUNCATE a CASCADE; SELECT '" in events[1]
    assert events[1].startswith("SELECT 'añ€😀añ€😀")
    assert events[1].isprintable()
    assert events[3] == "DROP TABLE b"
    [source] = draft.written("log_sources").to_dict("records")
    assert (source["lines"], source["entries"], source["unparsed"]) == (3, 3, 0)


HOURLY = "2025-10-07 20:00:00 UTC:10.0.0.1(5432):app@shop:[12]:LOG:  statement: {}\n"


@pytest.mark.parametrize("earlier", [0, 1], ids=["in its last second", "a second behind another session's line"])
def test_a_file_that_goes_on_in_the_second_in_which_another_ended_is_no_overlap(folder, earlier):
    """As hosters cut a log every hour whose lines have no milliseconds: nothing in it is a repetition."""
    later = HOURLY.replace("20:00:00", "20:00:01").replace("[12]", "[13]").format("SELECT 2")
    first = "".join(map(HOURLY.format, ("SELECT 1", "BEGIN", "DELETE FROM a"))) + later * earlier
    second = "".join(map(HOURLY.format, ("DELETE FROM b", "DELETE FROM a", "ROLLBACK")))
    (folder / "log" / "postgresql.log.2025-10-07-19").write_text(first)
    (folder / "log" / "postgresql.log.2025-10-07-20").write_text(second)
    draft, unread, _ = collected(folder, ["log/*"])
    assert unread == []
    events = draft.written("log_events")
    assert draft.written("log_sources")["repeated"].tolist() == [0, 0]
    deleted = events[events["statement"].str.startswith("DELETE")]
    assert deleted["statement"].tolist() == ["DELETE FROM a", "DELETE FROM b", "DELETE FROM a"]
    assert set(deleted["outcome"]) == {"rolled_back"}


def test_a_log_without_times_says_so(folder):
    """With %s alone a statement has none, and must not be given that of its session's beginning."""
    lines = [
        "[12] LOG:  connection authorized: user=app database=shop",
        "[12] LOG:  statement: TRUNCATE a",
        "[12] LOG:  statement: SELECT 1",
    ]
    (folder / "log" / "a.log").write_text("".join(f"2025-10-07 18:10:00 UTC {line}\n" for line in lines))
    draft, unread, _ = collected(folder, ["log/*.log"], log_line_prefix="%s [%p] ")
    assert unread == []
    assert draft.written("log_events")["at"].isna().tolist() == [False, True, True]
    assert question(draft, "log:log/a.log")["reason"].startswith(
        "2 of 3 entries have no time: log_line_prefix '%s [%p] '"
    )
