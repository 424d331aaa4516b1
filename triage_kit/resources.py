"""Where the notebooks and templates lie: inside the installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from triage_kit.errors import TriageError

PACKAGE = Path(__file__).resolve().parent


def resource_dir(kind: str) -> Path:
    """The folder that holds ``notebooks`` or ``templates``.

    A wheel carries them in ``triage_kit/_data``; a checkout, and an editable install of it, has them beside the
    package. Raises TriageError when neither is there.

    >>> (resource_dir("templates") / "case.yaml").exists()
    True
    """
    installed = PACKAGE / "_data" / kind
    if installed.is_dir():
        return installed
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / kind).is_dir():
        return checkout / kind
    raise TriageError(
        f"the folder {kind!r} is neither in {installed.parent} nor beside the package: "
        "the installation is incomplete, install triage-kit again"
    )
