"""How the one who did it is named: a session with what is known of it, a line of the repository."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit.plot import html, style
from triage_kit.plot.html import Html, tag

DID = ("ran", "applied", "similar")
RAN = {
    "ran": "it ran",
    "applied": "it was applied",
    "similar": "a statement like it ran",
    "unknown": "no log or version table says that it ran",
}


def session(did: Mapping[str, object]) -> str:
    """Role, application, address, process and place of the session of a row of ``culprits``.

    >>> session({"user": "ops", "application": None, "client": None, "pid": 30300, "source": "a.log:354"})
    'role ops, process 30300, a.log:354'
    """
    said = [
        f"{word} {style.visible(did[key])}"
        for word, key in (("role", "user"), ("application", "application"), ("from", "client"))
        if isinstance(did[key], str) and did[key]
    ]
    said += [f"process {int(did['pid'])}"] if pd.notna(did["pid"]) else []
    return ", ".join([*said, style.visible(did["source"])] if isinstance(did["source"], str) else said)


def line(did: Mapping[str, object]) -> Html:
    """The line of a row of ``culprits``, and whether it ran; nothing where none is named.

    Who changed it last stands among the files to review: whoever wrote a line need not have run it.
    """
    if pd.isna(did["path"]):
        return html.text("")
    at = f":{int(did['line'])}" if pd.notna(did["line"]) else ""
    proof = html.ids([did["line_evidence"]]) if pd.notna(did["line_evidence"]) else ""
    said = [html.name(f"{did['path']}{at}"), f" ({RAN.get(did['ran'], style.visible(did['ran']))})"]
    return html.join([tag("span", *said), " ", proof] if proof else said)
