"""A process that reads files for another one: calls come pickled on its input, what they return goes to its output.

``triage_kit.collect.workers`` starts it; it ends with its input.
"""

from __future__ import annotations

import os
import pickle
import sys
from itertools import starmap
from typing import BinaryIO

from triage_kit.parse import checkout

READY = "ready"


def serve() -> None:
    """Answer every ``(function, list of arguments)`` with the list of results."""
    calls = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        # What a library prints must not come between the answers.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        _load()
        _answer(answers, READY)
        while True:
            try:
                function, arguments = pickle.load(calls)
            except EOFError:
                return
            _answer(answers, list(starmap(function, arguments)))


def _load() -> None:
    """Load what the first call would have to wait for, PostgreSQL's grammar too."""
    checkout.read_code("a.sql", b"DELETE FROM a")


def _answer(answers: BinaryIO, value: object) -> None:
    pickle.dump(value, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()
