"""Each guard of what is written, alone: files and folders for their owner, one writer, and nothing half written.

The tests of kills and full disks meet them too, but only now and then; here each is broken by one mistake.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from triage_kit import schemas
from triage_kit.bundle import Bundle, Draft
from triage_kit.errors import BundleError, NotSealed, ReportError
from triage_kit.files import copy_private, private_folder, private_stream, write_private
from triage_kit.report import making, replacing

NOTES = schemas.frame("notes", [{"at": "2025-10-08T10:37:29Z", "text": "empty"}])


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o027])
def test_what_is_written_is_its_owners_whatever_the_umask_and_whoever_made_it(tmp_path: Path, umask: int) -> None:
    there = tmp_path / "there"
    there.write_text("open to all")
    there.chmod(0o666)
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    before = os.umask(umask)
    try:
        for path in (there, tmp_path / "new"):
            with private_stream(path) as stream:
                stream.write(b"x")
            assert mode(path) == 0o600
        write_private(tmp_path / "text", "x")
        copy_private(there, tmp_path / "copy")
        for path in (private_folder(open_folder), private_folder(tmp_path / "a" / "b"), tmp_path / "a"):
            assert mode(path) == 0o700
    finally:
        os.umask(before)
    assert mode(tmp_path / "text") == mode(tmp_path / "copy") == 0o600


def test_a_link_of_the_name_does_not_lead_the_writing_elsewhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "link").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link"), private_stream(tmp_path / "link") as stream:
        stream.write(b"x")
    assert precious.read_text() == "mine"
    # The text is written beside the name and then takes its place: a link is replaced, not followed.
    write_private(tmp_path / "link", "x")
    assert precious.read_text() == "mine"
    (tmp_path / ".name.tmp").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link"):
        write_private(tmp_path / "name", "x")
    assert precious.read_text() == "mine"


def test_what_was_written_by_half_is_not_left(tmp_path: Path) -> None:
    for trouble in (OSError("full"), KeyboardInterrupt()):
        with pytest.raises(type(trouble)), private_stream(tmp_path / "half") as stream:  # noqa: PT012
            stream.write(b"x" * 100_000)
            raise trouble
        assert list(tmp_path.iterdir()) == []


def test_a_second_writer_of_one_case_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    first = Draft.begin(tmp_path)
    first.answer(source="identity", status="answered", rows=1)
    with pytest.raises(BundleError, match="another `triage collect` is at work in this case"):
        Draft.begin(tmp_path)
    first.close()
    with Draft.begin(tmp_path) as second:
        assert second.has("identity")


def test_what_belongs_together_counts_all_at_once_or_not_at_all(tmp_path: Path) -> None:
    case, killed = tmp_path / "case", tmp_path / "killed"
    case.mkdir()
    with Draft.begin(case) as draft:
        draft.answer(source="before", status="answered", rows=0)
        with draft.together():
            draft.write("notes", NOTES)
            draft.answer(source="inside", status="answered", rows=1)
            shutil.copytree(case, killed)  # what a kill in this moment leaves
        assert draft.resumed == ["before", "inside"]
    with Draft.begin(killed) as next_run:
        assert next_run.resumed == ["before"]
        assert next_run.written("notes").empty
        assert list(next_run.folder.glob("*.parquet*")) == []


def test_a_draft_is_no_bundle_even_with_its_manifest(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.write("notes", NOTES)
        draft.seal()
    (tmp_path / "evidence").rename(tmp_path / "evidence.partial")
    for place in (tmp_path, tmp_path / "evidence.partial"):
        with pytest.raises(NotSealed, match="was interrupted"):
            Bundle.open(place)


def test_the_table_is_in_the_journal_before_it_takes_its_place(tmp_path: Path, monkeypatch) -> None:
    """Else a kill between the two leaves a file that the next run knows nothing of, or another than it knows."""
    order: list[str] = []
    move = Path.replace

    def told(path: Path, target: Path) -> Path:
        journal = (tmp_path / "evidence.partial" / "manifest.partial.json").read_text()
        order.append(f"{Path(target).name} {'known' if 'notes.parquet' in journal else 'unknown'}")
        return move(path, target)

    with Draft.begin(tmp_path) as draft:
        monkeypatch.setattr(Path, "replace", told)
        draft.write("notes", NOTES)
        draft.written("notes")
        monkeypatch.undo()
    assert order == ["manifest.partial.json unknown", "notes.parquet known"]


def test_what_no_journal_knows_is_swept_and_not_sealed(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.write("notes", NOTES)
        draft.written("notes")
        left = draft.folder / "locks.parquet"  # a table that was moved before its journal was
        shutil.copy(draft.folder / "notes.parquet", left)
        raw = draft.folder / "raw" / "a.log.zst"
        raw.write_bytes(b"x")
    with Draft.begin(tmp_path) as draft:
        assert not left.exists()
        assert not raw.exists()
        shutil.copy(draft.folder / "notes.parquet", left)
        bundle = draft.seal()
    assert bundle.verify() == []
    assert not (bundle.folder / "locks.parquet").exists()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with an analyst's file in it."""
    folder = tmp_path / "report"
    replacing.prepare(folder, making.WRITTEN)
    replacing.replace(folder, {"report.html": "earlier"}, making.WRITTEN)
    (folder / "my notes.txt").write_text("mine")
    return folder


def test_the_report_is_replaced_as_a_whole_and_an_analysts_files_stay(report: Path) -> None:
    was = report.stat().st_ino
    replacing.replace(report, {"findings.json": "new"}, making.WRITTEN)
    assert {path.name: path.read_text() for path in report.iterdir()} == {
        "findings.json": "new", "my notes.txt": "mine",
    }  # fmt: skip
    assert report.stat().st_ino != was
    assert mode(report) == 0o700
    assert [path.name for path in report.parent.iterdir()] == ["report"]


def test_a_report_that_is_a_link_is_refused(report: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    report.rename(elsewhere)
    report.symlink_to(elsewhere)
    with pytest.raises(ReportError, match="is a link"):
        replacing.prepare(report, making.WRITTEN)
    assert (elsewhere / "report.html").read_text() == "earlier"


def test_a_new_report_that_cannot_be_finished_leaves_nothing_but_the_earlier_one(report: Path, monkeypatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replacing, "sync_folder", full)
    with pytest.raises(ReportError, match="No space left on device"):
        replacing.replace(report, {"report.html": "new"}, making.WRITTEN)
    assert (report / "report.html").read_text() == "earlier"
    assert [path.name for path in report.parent.iterdir()] == ["report"]


def test_on_linux_no_moment_is_without_a_report(report: Path, monkeypatch) -> None:
    if not replacing._exchanged(report, shutil.copytree(report, report.with_name("other"))):
        pytest.skip("this system cannot exchange two folders in one step")
    shutil.rmtree(report.with_name("other"))
    renamed: list[Path] = []
    monkeypatch.setattr(Path, "rename", lambda path, target: renamed.append(path))
    (report / "my notes.txt").unlink()
    replacing.replace(report, {"report.html": "new"}, making.WRITTEN)
    assert renamed == []
    assert (report / "report.html").read_text() == "new"
