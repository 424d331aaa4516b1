"""An investigation as a notebook shows it: the verdict, and the frames that one may go on asking."""

from __future__ import annotations

from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit.analyse.verdict import verdict

if TYPE_CHECKING:
    from triage_kit.analyse.investigation import Investigation


def as_html(found: Investigation) -> str:
    """The first answer as a list, and every frame with its number of rows; all of it escaped."""
    head, *lines = verdict(found)
    told = "".join(f"<li>{escape(line)}</li>" for line in lines)
    frames = [each.name for each in fields(found) if isinstance(getattr(found, each.name), pd.DataFrame)]
    named = ", ".join(f"<code>{name}</code>\u00a0({len(getattr(found, name)):,})" for name in frames)
    return f"<p><strong>{escape(head)}</strong></p><ul>{told}</ul><p>Frames and their rows: {named}</p>"


def as_text(found: Investigation) -> str:
    """The first line of the verdict, for where no HTML is shown."""
    return f"<investigation: {verdict(found)[0]}>"
