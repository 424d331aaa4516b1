"""What a terminal shows and what a pipe gets: colour, width and progress on terminals only."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from triage_kit.console import Console

LINES = [
    "2 of 9 tables are damaged (2 wiped), 55 rows missing",
    "what: truncate (over 99 %)",
    "stop now: Stop what writes to the damaged tables: jobs, imports, migrations, clean-up scripts of all kinds",
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal; ``text`` is what it was sent since the last time."""

    take: Callable[[], object]

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        sent = self.getvalue()
        self.seek(0)
        self.truncate()
        return sent


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    # pytest puts its own streams back after the fixtures: the test itself must put this one in their place.
    made.take = lambda: [monkeypatch.setattr(sys, name, made) for name in ("stdout", "stderr")]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


def test_a_terminal_gets_colour_and_lines_of_its_width(terminal: Terminal) -> None:
    terminal.take()
    Console().verdict(LINES)
    said = terminal.text()
    assert "\x1b[1;31m2 of 9 tables are damaged" in said
    assert "\x1b[1;33mstop now:\x1b[0m Stop what" in said
    bare = said.replace("\x1b[1;31m", "").replace("\x1b[1;33m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert max(map(len, bare.splitlines())) < 60
    assert "\n  " in bare  # what is wrapped hangs


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colour_can_be_refused(terminal: Terminal, monkeypatch, name: str, value: str) -> None:
    terminal.take()
    monkeypatch.setenv(name, value)
    Console().verdict(LINES)
    assert "\x1b" not in terminal.text()


def test_a_pipe_gets_whole_lines_and_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    Console().verdict(LINES)
    Console().notify("question", source="relations", rows=3, done=1, total=9)
    told = capsys.readouterr()
    assert told.out == "\n" + "\n".join(LINES) + "\n\n"
    assert told.err == ""


def test_progress_stands_on_one_line_of_a_terminal_and_is_wiped(terminal: Terminal) -> None:
    terminal.take()
    console = Console()
    console.notify("bytes", source="log:a.log", done=5_000_000, total=20_000_000)
    shown = terminal.text()
    assert "reading log:a.log: 25% of 20.0 MB" in shown
    assert "\n" not in shown
    console.say("done")
    assert terminal.text().endswith("\rdone\n")


def test_quiet_shows_no_progress_and_no_verdict(terminal: Terminal) -> None:
    terminal.take()
    console = Console(quiet=True)
    console.notify("question", source="relations", rows=3, done=1, total=9)
    console.verdict(LINES)
    assert terminal.text() == ""


def test_a_name_cannot_paint_the_terminal(terminal: Terminal) -> None:
    terminal.take()
    Console().verdict(["1 table\x1b[2J is damaged\nreport: x"])
    assert "\x1b[2J" not in terminal.text()
