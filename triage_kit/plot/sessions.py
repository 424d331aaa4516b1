"""Who was connected, as a table: from where, how long, what each session ran, and how it ended."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import alike, html, sources, style
from triage_kit.plot.html import Html, tag, text

MOST = 200  # sessions shown that ran nothing destructive, and up to which each is a line of its own
ALIKE = ["role", "application", "database", "client", "groups", "ended", "failed"]


def session_list(sessions: pd.DataFrame, timezone: object = None) -> Html:
    """Sessions that ran something destructive, all of them, then those that loaded rows or were there at a loss.

    Where they are many, those of one client that ran the same with other values share a line, which counts them.

    Parameters
    ----------
    sessions : frame ``sessions`` (aware UTC instants).
    timezone : shown beside UTC.
    """
    given = schemas.check(sessions, "sessions")
    acted = given["destructive"].fillna(0) > 0
    there = (given["groups"].map(len) > 0) | (given["loads"].fillna(0) > 0)
    shown = pd.concat([given[acted], given[there & ~acted].head(MOST)])
    shown = shown.assign(first=shown["started_at"].fillna(shown["seen_from"])).sort_values("first", kind="stable")
    headers = ["When", "Who and from where", "Statements", "What it did", "How it ended", "During", "Source"]
    ran = shown["did"].map(lambda did: "\n".join(dict.fromkeys(map(alike.shape, did))))
    said = shown.assign(at=shown["first"], ran=ran, failed=shown["errors"].fillna(0) > 0)
    lines = alike.gathered(said, ALIKE, text="ran", most=MOST)
    body = [_row(row, timezone) for row in lines.to_dict("records")]
    left = len(given) - len(shown)
    more = f"Of {style.things(left, 'more session')} no line tells anything of the kind; each ended before a loss or "
    more += "began after it. In the notebooks, found.sessions has them."
    note = tag("p", more, class_="note") if left else ""
    return html.join(
        [html.table("Sessions that changed something, or were connected during a loss", headers, body), note]
    )


def _row(row: dict, timezone: object) -> list[object]:
    who = [f"{word} {style.visible(row[key])}" for word, key in (("role", "role"), ("application", "application"),
           ("database", "database"), ("process", "pid")) if pd.notna(row[key])]  # fmt: skip
    who.append(f"from {style.visible(row['client'])}" if isinstance(row["client"], str) else "from where is not known")
    counted = row["kinds"] if isinstance(row["kinds"], str) else "none was logged"
    errors = f"; {style.things(int(row['errors']), 'error')}" if pd.notna(row["errors"]) and row["errors"] else ""
    return [
        html.lasting(row["first"], row["ended_at"] if pd.notna(row["ended_at"]) else row["seen_to"], timezone),
        html.join(
            [text(", ".join(who) + alike.more(row["times"], "sessions more of the kind")), *_until(row, timezone)]
        ),
        text(f"{counted}{errors}"),
        _deeds(row["did"]),
        text(row["ended"]),
        text(", ".join(row["groups"])),
        sources.link(row["source"]),
    ]


def _until(row: dict, timezone: object) -> list[Html]:
    return [text(", the last at "), html.moment(row["last"], timezone)] if row["times"] > 1 else []


def _deeds(did: tuple[str, ...]) -> Html:
    if len(did) < 4:
        return html.listed(did) if did else text("nothing that changes more than rows of its own")
    return html.folded(f"{schemas.cut(did[0], 120)} and {len(did) - 1} more", html.listed(did))
