"""Until when something helps, and what ends it then: an instant alone tells nobody why it is one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.html import Html

Endings = Mapping[pd.Timestamp, str]


def endings(freeze: pd.DataFrame | None) -> Endings:
    """What comes at each deadline of the frame ``freeze``, for those who repeat it.

    >>> at = pd.Timestamp("2026-05-04T10:00:00Z")
    >>> told = schemas.frame("freeze", [{"order": 1, "action": "Copy", "deadline": at, "ends": "a checkpoint comes"}])
    >>> endings(told)[at]
    'a checkpoint comes'
    """
    if freeze is None or not len(freeze):
        return {}
    given = schemas.check(freeze, "freeze")
    known = given[given["deadline"].notna() & given["ends"].notna()]
    return dict(zip(known["deadline"], known["ends"], strict=True))


def moment(at: object, zone: object, known: Endings) -> Html:
    """The instant, and in brackets what comes then where that is known."""
    ends = known.get(at) if isinstance(at, pd.Timestamp) else None
    return html.join([html.moment(at, zone), f" ({style.visible(ends)})" if ends else ""])
