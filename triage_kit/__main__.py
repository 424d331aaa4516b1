"""``python -m triage_kit`` is ``triage``."""

from __future__ import annotations

import os

INTERRUPTED = 130  # as a shell calls what Ctrl-C ended


def run() -> int:
    """Run the command line; Ctrl-C ends it at any moment, also while its modules are being read."""
    try:
        from triage_kit.cli import main

        status = main()
    except KeyboardInterrupt:  # before the command began, or a second one while the first was told
        status = INTERRUPTED
    if status == INTERRUPTED:
        # All was put in order by now. Threads whose result nobody wants would be waited for, and so would a reader of
        # standard output who reads no more.
        os._exit(status)
    return status


if __name__ == "__main__":
    raise SystemExit(run())
