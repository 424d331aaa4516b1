"""What the command line prints: lines for people, or JSON lines for programs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import textwrap
import time
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from triage_kit.errors import OutputError

# The first word of a line of the verdict, and how a terminal shows it (ECMA-48, select graphic rendition).
LOOKS = {"stop now": "1;33", "not seen": "2", "reported but intact": "1;32"}
LABEL, LOST, STANDING = "1", "1;31", "1;32"


def stand_in_for_closed_streams() -> None:
    """Open the null device where stdin, stdout or stderr are closed.

    Otherwise the next file that is opened takes the number, and what a library prints would go into the evidence.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 a number


class Console:
    """One voice for all commands; a single status line shows progress, on a terminal only."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet
        self._status = 0  # width of the status line that stands on the terminal now
        self._since = time.monotonic()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")

    def say(self, text: str, /, *, event: str = "message", **facts: Any) -> None:
        """Print text, or the event with its facts."""
        if self.json:
            self._out(json.dumps({"event": event, **(facts or {"text": text})}, default=_plain))
        elif not self.quiet:
            self._clear()
            self._out(plain(text))

    def verdict(self, lines: list[str]) -> None:
        """Print the first answer: on a terminal wrapped to its width, what is lost and what to stop in colour."""
        shown = [line(each) for each in lines]
        if self.json or self.quiet or not sys.stdout.isatty():
            self.say("\n" + "\n".join(shown) + "\n", event="verdict", lines=lines)
            return
        self._clear()
        width, paint = max(shutil.get_terminal_size().columns, 40), coloured(sys.stdout)
        wrapped = [
            textwrap.fill(each, width - 1, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
            for each in shown
        ]
        told = [_painted(each, place == 0) if paint else each for place, each in enumerate(wrapped)]
        self._out("\n" + "\n".join(told) + "\n")

    def error(self, text: str, status: int) -> None:
        """One paragraph on stderr; with JSON lines also an event."""
        self._clear()
        if self.json:
            with contextlib.suppress(OSError):  # its reader may be the reason
                self._line(sys.stdout, json.dumps({"event": "error", "status": status, "text": text}))
        with contextlib.suppress(OSError):  # nobody reads: the exit status tells
            self._line(sys.stderr, plain(f"triage: {text}"))

    def trace(self, text: str) -> None:
        """A traceback, on stderr."""
        self._line(sys.stderr, plain(text))

    def notify(self, event: str, **facts: Any) -> None:
        """Take one event of a running collection or report."""
        if self.json:
            self.say("", event=event, **facts)
        elif event == "target":
            self.say(line(_target(facts)))
        elif event == "sealed":
            self._clear()
        else:
            seconds = time.monotonic() - self._since
            self._progress(f"{seconds:4.0f} s  {_progress_text(event, facts)}")

    def _progress(self, text: str) -> None:
        if self.quiet or not sys.stderr.isatty():
            return
        shown = line(text)[: max(shutil.get_terminal_size().columns - 1, 20)]
        sys.stderr.write("\r" + shown.ljust(self._status))
        sys.stderr.flush()
        self._status = len(shown)

    def _clear(self) -> None:
        if self._status:
            sys.stderr.write("\r" + " " * self._status + "\r")
            sys.stderr.flush()
            self._status = 0

    def _out(self, text: str) -> None:
        try:
            self._line(sys.stdout, text)
        except BrokenPipeError:  # its reader has left: that is no news to anybody
            raise
        except OSError as error:
            raise OutputError(
                f"standard output takes nothing ({error.strerror}): free space there or send it elsewhere, "
                "and give the command again"
            ) from error

    @staticmethod
    def _line(stream: TextIO, text: str) -> None:
        stream.write(text + "\n")
        stream.flush()


def coloured(stream: TextIO) -> bool:
    """Whether the stream is a terminal that wants colours; NO_COLOR (https://no-color.org) and TERM=dumb forbid it."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _painted(text: str, first: bool) -> str:
    label, colon, rest = text.partition(":")
    if first or not colon:
        look = STANDING if text.startswith("no table of") else LOST
        return f"\x1b[{look}m{text}\x1b[0m"
    return f"\x1b[{LOOKS.get(label, LABEL)}m{label}:\x1b[0m{rest}"


def plain(text: str) -> str:
    """Text without the control characters by which a table's name could rewrite the terminal.

    >>> plain("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c in "\n\t" or _shown(c) else c.encode("unicode_escape").decode() for c in text)


def line(text: str) -> str:
    """The text on one line: a name with a line feed must not begin a line that the kit did not write.

    >>> line("a\\nreport: b")
    'a\\\\nreport: b'
    """
    return plain(text).replace("\n", "\\n").replace("\t", "\\t")


def _shown(character: str) -> bool:
    # str.isprintable counts no space but the plain one, and foreign texts have others.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _target(facts: dict[str, Any]) -> str:
    version = f" (PostgreSQL {facts['version']})" if facts.get("version") else ""
    return f"looking at {facts.get('host')}, database {facts.get('database')}, as role {facts.get('role')}{version}"


def _progress_text(event: str, facts: dict[str, Any]) -> str:
    if event == "bytes" and facts.get("total"):
        share = facts["done"] / facts["total"]
        return f"reading {facts.get('source')}: {share:.0%} of {facts['total'] / 1e6:,.1f} MB"
    count = f"[{facts['done']}/{facts['total']}] " if facts.get("total") else ""
    name = facts.get("source") or facts.get("name") or facts.get("text") or event
    tail = facts.get("reason") or (f"{facts['rows']} rows" if facts.get("rows") is not None else "")
    return f"{count}{name} {tail}".rstrip()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") else str(value)
