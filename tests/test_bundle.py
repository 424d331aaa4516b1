"""The bundle: nothing is lost by a kill, nothing is changed unseen, nothing leaves its folder."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from triage_kit import schemas
from triage_kit.bundle import Bundle, Draft
from triage_kit.bundle.manifest import canonical
from triage_kit.errors import BundleError, NotSealed, SchemaError, Tampered

ROOT = Path(__file__).resolve().parents[1]
NOTES = [
    {"at": "2025-10-08T10:37:29.123456Z", "text": "assets is empty"},
    {"at": None, "text": 'a "quoted" <b>'},
    {"at": "2025-10-08T10:40:00Z", "text": None},
]
RELATIONS = [
    {"oid": 16384, "schema": "migration", "name": "assets", "kind": "table", "tuples": 0.5, "row_security": True,
     "options": ["fillfactor=70"]},
    {"oid": 4294967295, "schema": "migration", "name": "a.b", "kind": "view", "xmin": 1 << 40},
]  # fmt: skip


def sealed(folder: Path, raw: bytes = b"LOG:  ready\n" * 100) -> Bundle:
    with Draft.begin(folder) as draft:
        draft.note(collected_at=datetime(2025, 10, 8, 12, 0, tzinfo=UTC), host="db:5432/shop", schemas=["migration"])
        draft.write("notes", schemas.frame("notes", NOTES))
        draft.write("relations", schemas.frame("relations", RELATIONS))
        draft.answer(source="relations", status="answered", rows=2, variant="130000", ms=1.5, named=True)
        draft.answer(
            source="wal", status="not_built", reason="not read by this version", costs="exact times", named=True
        )
        draft.keep_raw("log/server.log", raw)
        return draft.seal()


def test_tables_come_back_as_they_were_written(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    pd.testing.assert_frame_equal(bundle.table("notes"), schemas.frame("notes", NOTES))
    pd.testing.assert_frame_equal(bundle.table("relations"), schemas.frame("relations", RELATIONS))
    assert bundle.table("relations")["options"].tolist() == [("fillfactor=70",), ()]
    assert bundle.table("relations")["xmin"].tolist()[1] == 1099511627776


def test_what_was_not_collected_is_an_empty_frame_in_its_types(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    pd.testing.assert_frame_equal(bundle.table("activity"), schemas.empty("activity"))
    assert len(bundle.sql("SELECT * FROM activity")) == 0
    with pytest.raises(SchemaError, match="nonsense"):
        bundle.table("nonsense")


def test_a_column_more_is_kept(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.write("notes", schemas.frame("notes", NOTES).assign(author=["me", None, "you"]))
        assert draft.seal().table("notes")["author"].fillna("-").tolist() == ["me", "-", "you"]


def test_a_frame_that_lacks_a_column_does_not_enter(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft, pytest.raises(SchemaError, match="lacks the columns text"):
        draft.write("notes", pd.DataFrame({"at": []}))


def test_the_manifest_tells_questions_files_and_digests(tmp_path: Path) -> None:
    manifest = json.loads((sealed(tmp_path).folder / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert [(row["source"], row["status"], row["rows"]) for row in manifest["questions"]] == [
        ("relations", "answered", 2),
        ("wal", "not_built", None),
    ]
    assert manifest["collection"]["collected_at"] == "2025-10-08T12:00:00.000000Z"
    for entry in manifest["files"]:
        content = (tmp_path / "evidence" / entry["path"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
    raw = next(entry for entry in manifest["files"] if entry["kind"] == "raw")
    assert raw["source_sha256"] == hashlib.sha256(b"LOG:  ready\n" * 100).hexdigest()


def test_questions_and_collection_are_tables_too(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    questions = bundle.table("questions").set_index("source")
    assert questions.loc["wal", "reason"] == "not read by this version"
    assert questions.loc["relations", "ms"] == 1.5
    assert bundle.table("collection")["schemas"].tolist() == [("migration",)]
    assert bundle.table("collection")["sealed_at"].notna().all()
    assert bundle.named_unread() == ["wal (not read by this version)"]


def test_a_later_answer_replaces_an_earlier_one_and_status_is_a_known_word(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.answer(source="identity", status="failed", reason="timeout")
        assert not draft.has("identity")
        draft.answer(source="identity", status="answered", rows=1)
        assert draft.has("identity")
        with pytest.raises(BundleError, match="maybe"):
            draft.answer(source="identity", status="maybe")
        assert draft.seal().table("questions")["status"].tolist() == ["answered"]


def test_parquet_is_zstd_and_does_not_depend_on_pandas(tmp_path: Path) -> None:
    sealed(tmp_path)
    file = pq.ParquetFile(tmp_path / "evidence" / "notes.parquet")
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert b"pandas" not in (file.schema_arrow.metadata or {})
    assert file.schema_arrow.field("at").type == pa.timestamp("us", tz="UTC")


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        sealed(tmp_path / name)
    for path in ("notes.parquet", "relations.parquet", "raw/log_server.log.zst"):
        assert (tmp_path / "a/evidence" / path).read_bytes() == (tmp_path / "b/evidence" / path).read_bytes()
    assert canonical({"b": 1, "a": [2]}) == canonical(json.loads(canonical({"a": [2], "b": 1})))


@pytest.mark.parametrize("path", ["notes.parquet", "questions.parquet", "raw/log_server.log.zst"])
def test_verify_finds_a_flipped_bit(tmp_path: Path, path: str) -> None:
    bundle = sealed(tmp_path)
    assert bundle.verify() == []
    file = bundle.folder / path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert [problem.split()[0] for problem in Bundle.open(tmp_path).verify()] == [path]


def test_every_flipped_byte_of_the_manifest_is_seen(tmp_path: Path) -> None:
    file = sealed(tmp_path).folder / "manifest.json"
    content = file.read_bytes()
    for at in range(0, len(content), 97):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(BundleError):
            Bundle.open(tmp_path)
    file.write_bytes(content)
    assert Bundle.open(tmp_path).verify() == []


def test_verify_finds_missing_added_and_replaced_files(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    (bundle.folder / "notes.parquet").unlink()
    (bundle.folder / "extra.parquet").touch()
    (bundle.folder / "raw" / "more").mkdir()
    link = bundle.folder / "relations.parquet"
    link.rename(tmp_path / "elsewhere.parquet")
    link.symlink_to(tmp_path / "elsewhere.parquet")
    assert sorted(bundle.verify()) == [
        "extra.parquet was added after sealing",
        "notes.parquet is missing",
        "raw/more was added after sealing",
        "relations.parquet is a link, not the file that was sealed",
    ]


def test_a_changed_table_is_not_read(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    schemas_of_notes = pq.read_table(bundle.folder / "notes.parquet")
    pq.write_table(schemas_of_notes.slice(1), bundle.folder / "notes.parquet")
    with pytest.raises(Tampered, match=r"notes\.parquet"):
        bundle.table("notes")
    with pytest.raises(Tampered, match=r"notes\.parquet"):
        bundle.sql("SELECT 1")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "raw/../../x", "a/b", "..", "C:x", "raw\\x"])
def test_a_manifest_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    file = sealed(tmp_path).folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["files"][0]["path"] = path
    file.write_bytes(canonical(manifest))
    with pytest.raises(Tampered, match="outside the bundle"):
        Bundle.open(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'"text"', canonical({"format": 1}), canonical({"format": "1"})]
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (sealed(tmp_path).folder / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Bundle.open(tmp_path)


def test_a_newer_format_is_refused_with_advice(tmp_path: Path) -> None:
    file = sealed(tmp_path).folder / "manifest.json"
    file.write_bytes(canonical(json.loads(file.read_text()) | {"format": 2}))
    with pytest.raises(BundleError, match="install a newer triage-kit"):
        Bundle.open(tmp_path)


def test_nothing_collected_and_interrupted_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotSealed, match="there is no evidence"):
        Bundle.open(tmp_path)
    Draft.begin(tmp_path).close()
    with pytest.raises(NotSealed, match="was interrupted"):
        Bundle.open(tmp_path)


def test_sql_answers_in_the_types_of_the_tables(tmp_path: Path) -> None:
    bundle = sealed(tmp_path)
    found = bundle.sql('SELECT max("at") AS "at", count(*) AS n, sum(length(text)) AS letters FROM notes')
    assert found.dtypes.astype(str).tolist() == ["datetime64[us, UTC]", "Int64", "Int64"]
    assert found.iloc[0].tolist() == [pd.Timestamp("2025-10-08T10:40:00Z"), 3, len("assets is empty") + 14]
    rows = bundle.sql("SELECT * FROM relations ORDER BY oid")
    pd.testing.assert_frame_equal(rows, bundle.table("relations"))


def test_sql_reaches_nothing_but_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    bundle = sealed(tmp_path)
    for query in (
        f"FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY notes TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/other.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SET TimeZone = 'Europe/Berlin'",
    ):
        with pytest.raises(BundleError):
            bundle.sql(query)
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(BundleError, match=r'"at" .* want quotes'):
        bundle.sql("SELECT max(at) FROM notes")
    with pytest.raises(BundleError, match="nowhere"):
        bundle.sql("SELECT * FROM nowhere")


def test_raw_sources_come_back_byte_for_byte(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    with Draft.begin(tmp_path) as draft:
        assert draft.keep_raw("log/server.log", io.BytesIO(content)) == ""
        assert draft.keep_raw("log_server.log", iter([b"other ", b"file"])) == ""
        assert draft.keep_raw("../../etc/passwd", b"") == ""
        bundle = draft.seal()
    assert bundle.raw("log/server.log").read() == content
    assert bundle.raw("log_server.log").read() == b"other file"
    assert bundle.raw("../../etc/passwd").read() == b""
    assert bundle.verify() == []
    with pytest.raises(BundleError, match=r"nothing\.log"):
        bundle.raw("nothing.log")


def test_raw_sources_are_bounded_and_what_does_not_fit_is_recorded(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.raw_limit = 1 << 20
        assert draft.keep_raw("small.log", os.urandom(600_000)) == ""
        assert "1 MiB" in draft.keep_raw("large.log", os.urandom(600_000))
        assert draft.keep_raw("last.log", os.urandom(300_000)) == ""
        bundle = draft.seal()
    assert bundle.raw_names() == ["last.log", "small.log"]
    assert [entry["source"] for entry in bundle.manifest["not_kept"]] == ["large.log"]
    assert sum(path.stat().st_size for path in (bundle.folder / "raw").iterdir()) <= 1 << 20


def test_evidence_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        folder = sealed(tmp_path).folder
    finally:
        os.umask(old)
    assert {oct(path.stat().st_mode & 0o777) for path in (folder, folder / "raw")} == {"0o700"}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 6
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_sealed_evidence_stays_and_again_moves_it_aside_only_when_sealing(tmp_path: Path) -> None:
    first = sealed(tmp_path).folder.joinpath("manifest.json").read_bytes()
    with pytest.raises(BundleError, match="--again"):
        Draft.begin(tmp_path)
    for number in (1, 2):
        draft = Draft.begin(tmp_path, again=True)
        draft.answer(source="identity", status="answered", rows=number)
        draft.close()  # fails before it is sealed: what was there is still there
        assert Bundle.open(tmp_path).manifest["sha256"]
        assert not (tmp_path / f"evidence-{number}").exists()
        with Draft.begin(tmp_path) as continued:  # remembers that it may
            assert continued.has("identity")
            continued.seal()
        assert (tmp_path / f"evidence-{number}" / "manifest.json").is_file()
    assert (tmp_path / "evidence-1" / "manifest.json").read_bytes() == first
    assert Bundle.open(tmp_path / "evidence-1").verify() == []
    assert Bundle.open(tmp_path).manifest["questions"][0]["rows"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence", "evidence-1", "evidence-2"]


CHILD = """
import sys
from triage_kit import schemas
from triage_kit.bundle import Draft
draft = Draft.begin(sys.argv[1])
draft.write("notes", schemas.frame("notes", [{"text": "before"}]))
draft.answer(source="notes", status="answered", rows=1)
draft.keep_raw("a.log", b"kept")
(draft.folder / ".relations.parquet.tmp").write_bytes(b"half")
(draft.folder / "relations.parquet").write_bytes(b"written, not in the journal")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A case whose collector was killed in the middle of a question; before that it kept a second one out."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        with pytest.raises(BundleError, match="another `triage collect` is at work"):
            Draft.begin(tmp_path)
        child.send_signal(signal.SIGKILL)
    return tmp_path


def test_a_killed_run_is_continued_with_what_it_had(killed: Path) -> None:
    with Draft.begin(killed) as draft:
        assert draft.resumed == ["notes"]
        assert draft.written("notes")["text"].tolist() == ["before"]
        assert draft.written("relations").empty
        draft.answer(source="relations", status="refused", reason="permission denied")
        bundle = draft.seal()
    assert bundle.verify() == []
    assert bundle.raw("a.log").read() == b"kept"
    assert bundle.table("questions")["source"].tolist() == ["notes", "relations"]
    assert [path.name for path in killed.iterdir()] == ["evidence"]


def test_a_partial_bundle_that_was_changed_is_not_continued(killed: Path) -> None:
    (killed / "evidence.partial" / "notes.parquet").write_bytes(b"other")
    with pytest.raises(Tampered, match=r"move .* away"):
        Draft.begin(killed)
    (killed / "evidence.partial" / "manifest.partial.json").write_text("{}")
    with pytest.raises(Tampered, match="damaged"):
        Draft.begin(killed)


def test_a_run_killed_while_sealing_is_sealed_by_the_next(killed: Path) -> None:
    # Between the last two steps the finished manifest stands in the partial folder and the journal is gone.
    partial = killed / "evidence.partial"
    (partial / "manifest.partial.json").rename(partial / "manifest.json")
    with pytest.raises(NotSealed, match="interrupted"):
        Bundle.open(killed)
    with Draft.begin(killed) as draft:
        assert draft.has("notes")
        assert draft.seal().verify() == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no folder"):
        Draft.begin(tmp_path / "nowhere")


def test_a_draft_that_was_killed_just_before_its_last_step_is_no_bundle(tmp_path):
    with Draft.begin(tmp_path) as draft:
        draft.answer(source="notes", status="answered", rows=0)
        draft.seal()
    partial = (tmp_path / "evidence").rename(tmp_path / "evidence.partial")  # its manifest is finished already
    for named in (tmp_path, partial):
        with pytest.raises(NotSealed, match="was interrupted"):
            Bundle.open(named)
