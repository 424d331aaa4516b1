"""The last gate: nothing that is a password here may stand in a file that is shared."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from triage_kit.errors import ReportError

# A shorter secret occurs in ordinary text by chance, and hiding it would be no protection.
SHORTEST = 4


def refuse(written: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise ReportError when a text holds a password of the environment; the message names file and variable only.

    Parameters
    ----------
    written : texts by file name.
    environment : PGPASSWORD, and every variable whose value is a URL with a password.
    """
    for variable, secret in found(environment).items():
        forms = {secret, html.escape(secret), json.dumps(secret)[1:-1]}
        for name, text in written.items():
            if any(form in text for form in forms):
                raise ReportError(
                    f"{name} would hold the password that the environment variable {variable} has, so nothing was "
                    "written: find the name, log line or statement that repeats it in the evidence"
                )


def found(environment: Mapping[str, str]) -> dict[str, str]:
    """Passwords by the variable that holds them.

    >>> found({"PGPASSWORD": "hunter22", "DB": "postgresql://me:s%40cret@host/db", "HOME": "/root"})
    {'PGPASSWORD': 'hunter22', 'DB': 's@cret'}
    """
    secrets = {name: _password(value) if name != "PGPASSWORD" else value for name, value in environment.items()}
    return {name: secret for name, secret in secrets.items() if len(secret) >= SHORTEST}


def _password(value: str) -> str:
    if "://" not in value:
        return ""
    try:
        return unquote(urlsplit(value).password or "")
    except ValueError:
        return ""
