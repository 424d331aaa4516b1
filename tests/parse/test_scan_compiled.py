"""Compiled patterns that are kept between runs: only what this user kept is believed."""

from pathlib import Path

import pytest

from triage_kit.parse.scan import compiled, engine

hyperscan = pytest.importorskip("hyperscan")
PATTERNS = ("drop", "truncate")
BLOCK = b"a drop, a truncate\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "triage_kit"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was compiled, in order."""
    made, compile = [], compiled._compiled
    monkeypatch.setattr(compiled, "_compiled", lambda patterns: made.append(patterns) or compile(patterns))
    return made


def found(keep: bool = True) -> list[list[int]]:
    ends: list[list[int]] = [[], []]
    compiled.compiled(PATTERNS, keep).scan(BLOCK, match_event_handler=engine._hit, context=ends)
    return ends


ENDS = [[6], [18]]  # as bytes.find tells


def test_what_was_kept_finds_the_same_and_is_not_compiled_again(cache: Path, compilations: list) -> None:
    assert found() == found() == ENDS
    assert compilations == [PATTERNS]
    assert [each.stat().st_mode & 0o777 for each in (cache, *cache.iterdir())] == [0o700, 0o600]


def test_nothing_is_kept_unasked(cache: Path) -> None:
    assert found(keep=False) == ENDS
    assert not cache.exists()


def forged(path: Path) -> None:
    path.write_bytes(hyperscan.dumpb(compiled._compiled(("nothing", "at all"))))


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(path.read_bytes()[:-20]),
    lambda path: path.write_bytes(path.read_bytes()[:2000] + b"\xff\x00\xff" + path.read_bytes()[2003:]),
    lambda path: path.write_bytes(b""),
    lambda path: (forged(path), path.chmod(0o666)),
    lambda path: (forged(path), path.parent.chmod(0o777)),
    lambda path: (forged(path), path.rename(path.with_name("x")), path.symlink_to(path.with_name("x"))),
    lambda path: (path.unlink(), path.mkdir()),
], ids=["cut", "damaged", "empty", "others may write it", "others may write beside it", "link", "folder"])  # fmt: skip
def test_what_is_spoilt_is_compiled_anew(spoil, cache: Path, compilations: list) -> None:
    found()
    spoil(next(cache.iterdir()))
    assert found() == ENDS
    assert len(compilations) >= 2


def test_a_cache_that_cannot_be_written_costs_time_alone(cache: Path, compilations: list) -> None:
    cache.write_text("a file")
    assert found() == found() == ENDS
    assert len(compilations) == 2


def test_a_bounded_number_is_kept(cache: Path) -> None:
    for at in range(compiled._MOST_KEPT + 3):
        compiled.compiled((f"pattern {at}",), True)
    assert len([*cache.iterdir()]) == compiled._MOST_KEPT
