"""What is refused, each in one paragraph with its exit status: foreign bundles, hostile case files, sources that are
no logs, and packed files that would fill the memory."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.bundle import Bundle, Draft
from triage_kit.bundle.manifest import canonical
from triage_kit.collect import collect
from triage_kit.errors import BundleError, CaseError, Tampered
from triage_kit.parse.csvlog import parse_csv
from triage_kit.parse.entry import Unparsed

ROOT = Path(__file__).resolve().parents[1]
ENTRY = b'2025-10-08 10:05:00.000 UTC [202] ERROR:  relation "assets" does not exist at character 15\n'
HELD = 32 << 20  # bytes that a bomb may cost beyond what an ordinary log does: half of what the smallest unpacks to


def triage(*arguments: object) -> subprocess.CompletedProcess[str]:
    """One command without a terminal, as a user starts it."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "triage_kit", *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one paragraph on stderr."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("triage: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert "unexpected" not in done.stderr
    assert "\n\n" not in done.stderr.strip()
    return done.stderr


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A case with a sealed bundle of one table and one kept source."""
    with Draft.begin(tmp_path) as draft:
        draft.write("notes", schemas.frame("notes", [{"text": "seen"}]))
        draft.answer(source="notes", status="answered", rows=1)
        draft.keep_raw("a.log", ENTRY)
        draft.seal()
    return tmp_path


def changed(case: Path, **parts: object) -> Path:
    """Change parts of the manifest and seal it anew, as an attacker can."""
    file = case / "evidence" / "manifest.json"
    file.write_bytes(canonical(json.loads(file.read_text()) | parts))
    return file


FOREIGN = {
    "list": b"[1, 2]",
    "another tool's": b'{"manifest_version": 3, "name": "an extension", "format": 1}',
    "garbage": b"\xff\xfe\0\x01" * 500,
    "deep": b"[" * 200_000,
    "not a number": b'{"format": 1, "x": NaN}',
    "huge": b'{"format": 1, "x": "' + b"x" * (65 << 20) + b'"}',
    "empty": b"",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_manifest_is_refused(sealed: Path, content: bytes) -> None:
    (sealed / "evidence" / "manifest.json").write_bytes(content)
    with pytest.raises(Tampered, match=r"manifest\.json .*(no manifest|digest is another)"):
        Bundle.open(sealed)


@pytest.mark.parametrize(
    "parts",
    [
        {"files": [1]},
        {"files": {}},
        {"files": [{"path": "a"}]},
        {"files": [{"path": "a", "kind": "else", "sha256": "", "bytes": 0}]},
        {"files": [{"path": "a", "kind": "table", "sha256": "", "bytes": 0, "table": "a"}] * 2},
        {"questions": [{}]},
        {"questions": "none"},
        {"collection": []},
        {"server": None},
    ],
)  # fmt: skip
def test_a_manifest_of_another_shape_is_refused(sealed: Path, parts: dict) -> None:
    changed(sealed, **parts)
    with pytest.raises(Tampered, match="no manifest of this kit"):
        Bundle.open(sealed)


def test_the_command_line_refuses_newer_foreign_and_leaving_bundles_in_one_paragraph(sealed: Path) -> None:
    manifest = json.loads((sealed / "evidence" / "manifest.json").read_text())
    changed(sealed, format=2)
    assert "install a newer triage-kit" in refused(triage("verify", sealed), 1)
    changed(sealed, format=1, files=[manifest["files"][0] | {"path": "../../etc/passwd"}])
    assert "outside the bundle" in refused(triage("report", sealed), 1)
    (sealed / "evidence" / "manifest.json").write_bytes(FOREIGN["another tool's"])
    assert "intact copy" in refused(triage("report", sealed), 1)


def test_links_in_the_evidence_are_not_followed(sealed: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (sealed / "evidence" / "raw").rename(outside)
    (sealed / "evidence" / "raw").symlink_to(outside)
    assert "raw was added after sealing" in Bundle.open(sealed).verify()
    (sealed / "evidence" / "notes.parquet").rename(outside / "notes")
    (sealed / "evidence" / "notes.parquet").symlink_to(outside / "notes")
    with pytest.raises(Tampered, match=r"notes\.parquet"):
        Bundle.open(sealed).table("notes")
    (sealed / "evidence" / "manifest.json").rename(outside / "manifest")
    (sealed / "evidence" / "manifest.json").symlink_to(outside / "manifest")
    assert "is a link" in refused(triage("verify", sealed), 1)


@pytest.mark.parametrize("name", ["evidence.partial", "evidence.partial/raw"])
def test_a_draft_that_leads_elsewhere_is_not_gone_on_with(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o755)
    (precious / "file").write_text("mine")
    home = tmp_path / "case"
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    (home / name).symlink_to(precious)
    with pytest.raises(BundleError, match="no folder of its own"):
        Draft.begin(home)
    assert (precious / "file").read_text() == "mine"
    assert precious.stat().st_mode & 0o777 == 0o755


def test_files_that_no_draft_wrote_are_not_removed(tmp_path: Path) -> None:
    (tmp_path / "evidence.partial").mkdir()
    (tmp_path / "evidence.partial" / "thesis.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"'thesis\.txt'.* move it away"):
        Draft.begin(tmp_path)
    assert (tmp_path / "evidence.partial" / "thesis.txt").read_text() == "mine"


def test_a_journal_that_leaves_the_folder_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    draft = Draft.begin(tmp_path)
    draft.keep_raw("a.log", ENTRY)
    draft.close()
    file = tmp_path / "evidence.partial" / "manifest.partial.json"
    journal = json.loads(file.read_text())
    journal["files"][0]["path"] = "../victim"
    file.write_bytes(canonical(journal))
    with pytest.raises(Tampered, match=r"move .* away"):
        Draft.begin(tmp_path)
    assert (tmp_path / "victim").read_text() == "mine"


CASES = {
    "huge": (b"title: " + b"x" * (2 << 20), "larger than"),
    "deep": (b"notes: " + b"[" * 60_000, "nested too deeply"),
    "laughs": (b"a: &a [x, x]\nb: &b [*a, *a]\nlogs: *b", "alias"),
    "latin": (b"title: Caf\xe9", "UTF-8"),
    "nul": (b"title: a\0b", "UTF-8"),
    "code": (b"title: !!python/object/apply:os.getcwd []", "tag"),
    "tag": (b"title: !!int abc\nlogs: a", "does not fit"),
    "many mistakes": (b"".join(b"k%d: v\n" % i for i in range(3000)), "3001 mistakes"),
}


@pytest.mark.parametrize(("content", "words"), CASES.values(), ids=CASES.keys())
def test_a_hostile_case_file_is_refused_in_few_words(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "case.yaml").write_bytes(content)
    with pytest.raises(CaseError, match=words) as told:
        cases.load(tmp_path)
    assert len(str(told.value)) < 20_000


def test_a_case_file_that_is_none_is_2(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").mkdir()
    assert "is no file" in refused(triage("run", tmp_path), 2)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "is no file" in refused(triage("collect", tmp_path / "pipe.yaml"), 2)


def test_what_is_no_ordinary_file_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    (log / "a.log").write_bytes(ENTRY)
    os.mkfifo(log / "pipe.log")
    (log / "folder.log").mkdir()
    (log / "zero.log").symlink_to("/dev/zero")
    (log / "gone.log").symlink_to("nowhere")
    (tmp_path / "case.yaml").write_text("logs: [log/*.log, log/folder.log]")
    done = triage("collect", tmp_path)
    assert done.returncode == 3, done.stderr
    questions = Bundle.open(tmp_path).table("questions").set_index("source")
    assert questions.loc["log:log/a.log", "status"] == "answered"
    assert "no ordinary file" in questions.loc["log:log/pipe.log", "reason"]
    assert "no ordinary file" in questions.loc["log:log/zero.log", "reason"]
    assert "folder" in questions.loc["log:log/folder.log", "reason"]


def test_of_ten_thousand_logs_the_latest_are_read_and_the_rest_is_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("triage_kit.collect.log.MOST_FILES", 20)
    (tmp_path / "log").mkdir()
    for number in range(10_000):
        path = tmp_path / "log" / f"{number}.log"
        path.touch()
        if number % 500 == 7:
            # Of one process each: the same line in two files is one event.
            path.write_bytes(ENTRY.replace(b"[202]", b"[%d]" % (number + 1)))
        os.utime(path, (number % 500 == 7, 1_700_000_000 + (number % 500 == 7)))
    done = collect(cases.build({"logs": ["log/*.log"]}, tmp_path / "case.yaml"))
    assert len(done.bundle.table("log_events")) == 20
    [unread] = done.named_unread
    assert unread.startswith("log:log/*.log (rest) (9980 of the 10000 files that match are not read")
    assert "20 that were written last" in unread


def test_a_log_that_changes_while_it_is_read_is_said_to(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(ENTRY * 50)
    other = ENTRY.replace(b"[202]", b"[203]")  # the same lines in two files would be one event each
    (tmp_path / "grows.log").write_bytes(other * 50)
    from triage_kit.collect import log_files

    whole = log_files.LogFile.pieced

    def while_writing(file: log_files.LogFile):
        yield from whole(file)
        if file.path == path:
            path.write_bytes(ENTRY.replace(b"assets", b"orders") * 30)  # as logrotate's copytruncate does
        else:
            with file.path.open("ab") as stream:
                stream.write(other * 10)  # as the server does

    monkeypatch.setattr(log_files.LogFile, "pieced", while_writing)
    done = collect(cases.build({"logs": ["*.log"]}, tmp_path / "case.yaml"))
    assert done.named_unread == []
    reasons = done.bundle.table("questions").set_index("source")["reason"].dropna()
    assert "changed, cut or replaced while it was read" in reasons.pop("log:server.log")
    assert not [source for source in reasons.index if source.startswith("log:")]
    assert done.bundle.table("log_events")["file"].value_counts().to_dict() == {"server.log": 50, "grows.log": 50}


MEASURED = """
import json, resource, sys
from triage_kit.cli import main
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
status = main(["collect", sys.argv[1], "--json"])
# Not ru_maxrss: a child begins with its parent's, and a test runner may have grown large before.
with open("/proc/self/status") as told:
    peak = next(int(line.split()[1]) * 1024 for line in told if line.startswith("VmHWM:"))
print(json.dumps({"event": "measured", "status": status, "peak": peak}))
"""


def bomb(packing: str, filler: bytes) -> bytes:
    """A log's beginning and 64 MiB (gzip) or a gibibyte (zstd) of filler, packed a thousand times and more."""
    if packing == "gzip":
        return gzip.compress(ENTRY * 200) + gzip.compress(filler * (64 << 20), 6)
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as packed:
        packed.write(ENTRY * 200)
        for _ in range(1024):
            packed.write(filler * (1 << 20))
    return stream.getvalue().to_pybytes()


def collected(folder: Path, packed: bytes) -> dict:
    """Status and peak of memory of the command on a packed log."""
    (folder / "a.log.packed").write_bytes(packed)
    (folder / "case.yaml").write_text("logs: [a.log.packed]")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, folder], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Bytes that the same command holds at most with a log of the same entries and nothing behind them."""
    measured = collected(tmp_path_factory.mktemp("ordinary"), gzip.compress(ENTRY * 200))
    assert measured["status"] == 0
    return measured["peak"]


GROWS = "unpacks to more than 200 times its size"
BLANK = "unpacks to more than 256 KiB of nothing but blank lines"


@pytest.mark.parametrize(
    ("packing", "filler", "bound"),
    [
        ("gzip", b"\0", GROWS),
        pytest.param("zstd", b"\0", GROWS, marks=pytest.mark.long),
        pytest.param("zstd", b"x", GROWS, marks=pytest.mark.long),
        ("gzip", b"\n", BLANK),
    ],
    ids=["gz zeros", "zst zeros", "zst one line", "gz empty lines"],
)
def test_a_bomb_costs_bounded_memory_and_time_and_is_a_gap_that_names_the_bound(
    tmp_path: Path, packing: str, filler: bytes, bound: str, ordinary: int, record_property
) -> None:
    measured = collected(tmp_path, bomb(packing, filler))
    record_property("peak_rss", measured["peak"])
    assert measured["status"] == 3
    assert measured["peak"] < ordinary + HELD
    bundle = Bundle.open(tmp_path)
    assert len(bundle.table("log_events")) == 200
    gaps = bundle.table("questions").set_index("source")
    assert bound in gaps.loc["log:a.log.packed (rest)", "reason"]
    assert any("(rest)" in source for source in bundle.named_unread())


@pytest.mark.parametrize("line", [b"x" * (20 << 20), b"\t" + b"\n\t" * (1 << 18)])
def test_an_endless_line_or_entry_is_cut(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.log").write_bytes(ENTRY + line + b"\n" + ENTRY)
    done = collect(cases.build({"logs": ["a.log"]}, tmp_path / "case.yaml"))
    assert done.named_unread == []
    events = done.bundle.table("log_events")
    assert len(events) == 2
    assert events["message"].str.len().max() <= 1 << 20
    assert events["line"].tolist() == [1, (ENTRY + line + b"\n" + ENTRY).count(b"\n")]


RECORD = (
    b'2025-10-08 10:05:00.000 UTC,"u","d",1,"[local]",abc.1,%d,"idle",2025-10-08 10:00:00 UTC,1/1,0,ERROR,42P01,'
    b'"relation ""assets"" does not exist",,,,,,"select 1",15,,"psql","client backend",,0\n'
)
OPEN = RECORD.replace(b'"select 1"', b'"select 1') % 20  # a quote that nothing closes


def test_an_endless_quote_of_a_csv_log_costs_its_own_lines_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("triage_kit.parse.csvlog.PIECE", 1 << 16)
    before, after = (b"".join(RECORD % each for each in numbers) for numbers in (range(20), range(21, 41)))
    junk = b"a b c d e f g h\n" * (1 << 15)
    (tmp_path / "a.csv").write_bytes(before + OPEN + junk + after + OPEN + junk)
    done = collect(cases.build({"logs": ["a.csv"]}, tmp_path / "case.yaml"))
    source = done.bundle.table("log_sources").iloc[0]
    assert source[["format", "lines", "entries", "unparsed"]].tolist() == ["csv", 42 + (2 << 15), 40, 2 + (2 << 15)]
    assert done.bundle.table("log_events")["line"].tolist()[-1] == 41 + (1 << 15)


def test_an_endless_quote_holds_no_more_of_a_longer_file(monkeypatch) -> None:
    monkeypatch.setattr("triage_kit.parse.csvlog.PIECE", 1 << 16)

    def peak(lines: int) -> int:
        source = itertools.chain([OPEN], itertools.repeat(b"a b c d e f g h\n", lines))
        tracemalloc.start()
        try:
            assert sum(isinstance(each, Unparsed) for each in parse_csv(source)) == lines + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is imported and compiled once is nobody's
    assert peak(1 << 14) < 1.5 * peak(1 << 12)


def test_a_manifest_beyond_its_bound_is_not_even_parsed(sealed: Path, monkeypatch) -> None:
    """Everything else about it is as it was sealed."""
    monkeypatch.setattr("triage_kit.bundle.manifest.MOST_BYTES", 100)
    with pytest.raises(Tampered, match="is larger than"):
        Bundle.open(sealed)
