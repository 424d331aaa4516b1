"""``python -m triage_kit`` is ``triage``."""

from triage_kit.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
