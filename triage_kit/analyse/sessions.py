"""Who was connected: sessions put together from what the log says of each process, and from pg_stat_activity.

A log_line_prefix often names no role; the lines that log_connections and log_disconnections write do. So what any line
of a session tells holds for all of it. A process number is used again: a session ends where another one is seen to
begin under its number, and where its role, its database or its session id changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.logins import LASTED, SAID
from triage_kit.analyse.statements import OUTCOMES, takes

if TYPE_CHECKING:
    from triage_kit.analyse.groups import Group

MOST_TOLD = 200  # sessions of findings.json besides those that ran a destructive statement
MOST_DEEDS = 20  # errors and changes told of one session
FAILURES = ("ERROR", "FATAL", "PANIC")
CHANGES = ("drop", "alter", "truncate", "delete", "merge", "copy", "create", "grant", "revoke", "do", "call", "vacuum")
STILL = "still connected when the evidence was collected"
_QUIET = pd.Timedelta(days=1)  # of one process number without a word: it may be another session by then
_LOGIN = pd.Timedelta(minutes=2)  # that proving who one is may take
_AGAIN = pd.Timedelta(seconds=2)  # two logs of one server say the same of one connection
_WHO = ("role", "database", "application", "client")
LOADS = r"(?is)^\W*copy\b.*\bfrom\b"
_COMMENTS = r"(?s)^(?:\s|--[^\n]*\n|/\*.*?\*/)*"


def sessions(log_events: pd.DataFrame, activity: pd.DataFrame) -> pd.DataFrame:
    """Table ``sessions``, the earliest first: one row a connection that the log or pg_stat_activity shows.

    Parameters
    ----------
    log_events, activity : the evidence tables of these names; instants are aware UTC.

    >>> from triage_kit import schemas
    >>> line = {"file": "a.log", "pid": 7, "at": "2025-10-07T20:27:38Z", "kind": "statement", "statement": "SELECT 1"}
    >>> sessions(schemas.frame("log_events", [line | {"line": 1}, line | {"line": 2}]), schemas.empty("activity"))[
    ...     ["pid", "statements", "kinds"]].values.tolist()
    [[7, 2, 'SELECT 2']]
    """
    known = _known(_numbered(log_events))
    found = _gathered(known) if len(known) else []
    return _frame(_with_activity(found, activity))


def named(log_events: pd.DataFrame) -> pd.DataFrame:
    """The same events, each with role, database, application and client as any line of its session tells them.

    >>> from triage_kit import schemas
    >>> came = {"kind": "connection", "message": "connection authorized: user=ada database=shop"}
    >>> did = {"kind": "statement", "message": "statement: SELECT 1"}
    >>> told = schemas.frame("log_events", [{"pid": 7, "at": "2025-10-07T20:27:38Z", **each} for each in (came, did)])
    >>> named(told)["role"].tolist()
    ['ada', 'ada']
    """
    known = _known(_numbered(log_events))
    if known.empty:
        return log_events
    filled = log_events.copy()
    for column in _WHO:
        found = known.loc[filled[column].isna().reindex(known.index, fill_value=False), column].dropna()
        if len(found):
            filled.loc[found.index, column] = found
    return filled


def beside(found: pd.DataFrame, groups: Sequence[Group], dates: Mapping[str, dict], did: pd.DataFrame) -> pd.DataFrame:
    """The sessions with the losses during whose window each was connected, or that were seen doing it (``culprits``).

    A log tells when a statement began, and of no session that fell silent then that it was there at the commit.
    """
    told = rows(found)
    doers = {(row["group"], row["pid"], row["user"]) for row in rows(did) if row["pid"] is not None}
    for group in groups:
        when = dates.get(group.name, {})
        start, end = when.get("lost_from") or when.get("lost_to"), when.get("lost_to") or when.get("lost_from")
        for each in told if start is not None else ():
            if connected(each, start, end) or (group.name, each["pid"], each["role"]) in doers:
                each["groups"] = (*each["groups"], group.name)
    return schemas.frame("sessions", told)


def connected(session: Mapping, start: pd.Timestamp, end: pd.Timestamp) -> bool:
    """Whether what is known of a session's life (a row of ``sessions``) touches a span of time.

    >>> at = pd.Timestamp("2025-10-07T20:00:00Z")
    >>> seen = {"started_at": at, "seen_from": None, "seen_to": at, "ended_at": None, "ended": "not known"}
    >>> connected(seen, at, at), connected(seen, at + _LOGIN, at + _QUIET)
    (True, False)
    """
    begins = [at for at in (session["started_at"], session["seen_from"]) if at is not None]
    if not begins or min(begins) > end:
        return False
    last = session["ended_at"] or (None if session["ended"].startswith(STILL) else session["seen_to"])
    return last is None or last >= start


def called(session: Mapping) -> str:
    """Who a session is, in words: role, application, database and where it came from, as far as they are known.

    >>> called({"role": "ada", "application": "psql", "database": "shop", "client": None})
    'role ada, application psql, database shop'
    """
    words = {"role": "role", "application": "application", "database": "database", "client": "from"}
    told = [f"{word} {session[key]}" for key, word in words.items() if session.get(key)]
    return ", ".join(told) or "whose role no line names"


def worth_telling(found: pd.DataFrame) -> pd.DataFrame:
    """Those that ran something destructive, all of them, then at most 200 that loaded rows or were there at a loss."""
    acted = found["destructive"].fillna(0) > 0
    there = (found["groups"].map(len) > 0) | (found["loads"].fillna(0) > 0)
    others = found[there & ~acted].sort_values(["errors", "statements"], ascending=False, kind="stable")
    return found.loc[sorted([*found.index[acted], *others.index[:MOST_TOLD]])]


def _numbered(events: pd.DataFrame) -> pd.DataFrame:
    """Events of client sessions with ``key``, the number of their session; what two files both hold counts once."""
    client = events["statement"].notna() | events["kind"].isin(("connection", "disconnection", "statement", "duration"))
    for column in _WHO:
        client |= events[column].notna()
    # Where only connections have a time, the lines behind each are not before it.
    talking = events.assign(at=events["at"].fillna(events.groupby("file", dropna=False)["at"].ffill()))
    talking = talking[talking["pid"].notna() & talking["at"].notna()]
    talking = talking[talking["pid"].isin(talking.loc[client.reindex(talking.index), "pid"].unique())]
    if len(talking["file"].unique()) > 1:
        same = ["pid", "at", "message"]
        nth = talking.groupby(["file", *same], dropna=False).cumcount()
        talking = talking[~talking[same].assign(nth=nth).duplicated()]
    ordered = talking.sort_values(["pid", "at", "file", "line"], kind="stable")
    return ordered.assign(key=_begins(ordered, events).cumsum())


def _begins(ordered: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """Whether a new session begins with each event, which are ordered by process and time."""
    pid, at, kind = ordered["pid"], ordered["at"], ordered["kind"].fillna("")
    new = pid.ne(pid.shift()).fillna(True).astype(bool)
    quiet = at - at.shift()
    message = ordered["message"].fillna("")
    came = (kind == "connection").shift(fill_value=False)
    received = message.str.startswith("connection received") | ordered["subject"].eq("connection_received").fillna(
        False
    )
    let_in = message.str.match("(?:replication )?connection auth")
    let_in |= ordered["subject"].isin(("connection_authorized", "connection_authenticated"))
    comes = (received & ~(came & (quiet <= _AGAIN))) | (let_in & ~(came & (quiet <= _LOGIN)))
    gone = (kind == "disconnection").shift(fill_value=False) & ~((kind == "disconnection") & (quiet <= _AGAIN))
    new |= comes | gone | (quiet > _QUIET)
    for column in ("session", "role", "database"):
        last = ordered[column].groupby(new.cumsum()).ffill()
        before = last.shift()
        new |= ordered[column].notna() & before.notna() & (ordered[column] != before) & ~new
    starts = events.loc[events["kind"] == "startup", "at"].dropna().sort_values()
    if len(starts):
        run = pd.Series(np.searchsorted(starts.to_numpy(), at.to_numpy(), side="left"), index=ordered.index)
        new |= run.ne(run.shift())
    return new


def _known(numbered: pd.DataFrame) -> pd.DataFrame:
    """Numbered events with what their session says of itself anywhere."""
    told = numbered.copy()
    # Who proved to be somebody may be let in as somebody else: the line on authentication does not count.
    talk = told[told["kind"].isin(("connection", "disconnection"))]
    proof = talk["message"].fillna("").str.startswith("connection authenticated")
    talk = talk[~(proof | talk["subject"].eq("connection_authenticated").fillna(False))]
    for column, words in SAID.items():
        said = talk["message"].str.extract(words, expand=False).dropna()
        where = told[column].isna().reindex(said.index) & (said != "[local]")
        told.loc[said.index[where], column] = said[where]
        told[column] = told[column].fillna(told["key"].map(told.groupby("key")[column].first()))
    return told


def _gathered(known: pd.DataFrame) -> list[dict]:
    """One dict a session that a client had."""
    groups = known.groupby("key", sort=False)
    found = groups.agg(
        pid=("pid", "first"), session=("session", "first"), role=("role", "first"), database=("database", "first"),
        application=("application", "first"), client=("client", "first"), seen_from=("at", "min"),
        seen_to=("at", "max"), entries=("at", "size"), file=("file", "first"), line=("line", "first"),
    )  # fmt: skip
    found["source"] = found.pop("file").fillna("log") + ":" + found.pop("line").astype("str")
    failed = known["severity"].isin(FAILURES)
    found["errors"] = failed.groupby(known["key"]).sum()
    wrong = failed | known["outcome"].eq("failed").fillna(False).astype(bool)
    ran = known[~wrong & known["statement"].notna() & ~known["subject"].isin(("fetch", "duration_step"))]
    verbs = ran["statement"].str.replace(_COMMENTS, "", n=1, regex=True).str.extract(r"^\W*(\w+)", expand=False)
    verbs = verbs.fillna("other").str.upper()
    found["statements"] = ran.groupby("key").size().reindex(found.index, fill_value=0)
    found["kinds"] = _counted(ran["key"], verbs).reindex(found.index)
    found["loads"] = (
        ran["statement"].str.contains(LOADS, regex=True).groupby(ran["key"]).sum().reindex(found.index, fill_value=0)
    )
    costly = known["statement"].isin([text for text in known["statement"].dropna().unique() if takes(text)])
    found["destructive"] = costly.groupby(known["key"]).sum()
    changing = ran[verbs.str.lower().isin(CHANGES) | costly.reindex(ran.index)]
    told = found.join(_deeds(known, changing, known[failed])).join(_ends(known))
    begun = _beginnings(known, told)
    return rows(told.assign(started_at=begun, log=True).reset_index(drop=True))


def _counted(keys: pd.Series, verbs: pd.Series) -> pd.Series:
    """Of each session its kinds of statement in words, the most frequent first."""
    counts = pd.DataFrame({"key": keys, "verb": verbs}).value_counts().rename("n").reset_index()
    counts = counts.sort_values(["key", "n", "verb"], ascending=[True, False, True], kind="stable")
    words = counts["verb"] + " " + counts["n"].astype("str")
    return words.groupby(counts["key"]).agg(", ".join)


def _deeds(known: pd.DataFrame, changing: pd.DataFrame, wrong: pd.DataFrame) -> pd.DataFrame:
    """Column ``did``: changes and errors of each session in their order, and how they ended."""
    words = [
        (changing["outcome"].fillna("unknown").replace(OUTCOMES) + ": ") + changing["statement"].map(line_of),
        wrong["severity"] + ": " + wrong["message"].fillna("").map(line_of) + wrong["statement"].map(_cited),
    ]
    said = pd.concat(words)
    said = said.reindex(known.index[known.index.isin(said.index)])  # the order of each session
    keys = known.loc[said.index, "key"]
    place, total = said.groupby(keys).cumcount(), said.groupby(keys).size()
    kept = said[place < MOST_DEEDS].groupby(keys[place < MOST_DEEDS]).agg(tuple)
    more = [(*each, f"… and {n - MOST_DEEDS:,} more") if n > MOST_DEEDS else each
            for each, n in zip(kept, total.reindex(kept.index), strict=True)]  # fmt: skip
    return pd.DataFrame({"did": pd.Series(more, index=kept.index, dtype="object")})


def line_of(text: str) -> str:
    """A statement or a message in one line of at most 200 letters."""
    return schemas.cut(" ".join(text[:2000].split()), 200)


def _cited(text: object) -> str:
    return f" — {line_of(text)}" if isinstance(text, str) else ""


def _ends(known: pd.DataFrame) -> pd.DataFrame:
    """Columns ``ended_at`` and ``ended`` of sessions whose end the log tells."""
    over = known[(known["kind"] == "disconnection") | known["severity"].isin(("FATAL", "PANIC"))]
    last = over.drop_duplicates("key", keep="last").set_index("key")
    regular = last["message"].fillna("").str.startswith("disconnection:")
    regular |= last["subject"].eq("disconnection").fillna(False).astype(bool)
    text = last["message"].fillna("").map(line_of).where(~regular, "disconnected")
    return pd.DataFrame({"ended_at": last["at"], "ended": text})


def _beginnings(known: pd.DataFrame, told: pd.DataFrame) -> pd.Series:
    """When each session began: by its connection, else by how long it says it lasted, else by its id's own seconds."""
    came = known[known["kind"] == "connection"].groupby("key")["at"].min().reindex(told.index)
    gone = known[known["kind"] == "disconnection"].drop_duplicates("key", keep="last").set_index("key")
    parts = gone["message"].str.extract(LASTED).astype("float64")
    lasted = pd.to_timedelta(parts[0] * 3600 + parts[1] * 60 + parts[2], unit="s")
    computed = (gone["at"] - lasted).dt.floor("ms").reindex(told.index)
    stamp = told["session"].str.extract(r"^([0-9a-f]{8,9})\.[0-9a-f]+$", expand=False)
    seconds = stamp.map(lambda text: int(text, 16) if isinstance(text, str) else np.nan).astype("float64")
    return came.fillna(computed).fillna(pd.to_datetime(seconds, unit="s", utc=True).dt.as_unit("us"))


def _with_activity(found: list[dict], activity: pd.DataFrame) -> list[dict]:
    """Sessions of the log with those of pg_stat_activity: the same when process and beginning agree."""
    open_ = {}
    for each in found:
        if each["ended_at"] is None:
            open_[each["pid"]] = each  # the latest of a number is the last in the list
    for row in rows(activity):
        if row["kind"] not in (None, "client backend"):
            continue
        mine = open_.get(row["pid"])
        if mine is None or not _same(mine, row):
            mine = {"pid": row["pid"], "source": "pg_stat_activity", "entries": 0, "log": False}
            found.append(mine)
        for column in (*_WHO, "started_at"):
            mine[column] = mine.get(column) if mine.get(column) is not None else row[column]
        mine["ended"] = f"{STILL}, {row['state'] or 'in an unknown state'}"
        if row["query"]:
            mine["did"] = (*(mine.get("did") or ()), f"last or running: {line_of(row['query'])}")
    return found


def _same(session: dict, row: dict) -> bool:
    begun, other = session["started_at"], row["started_at"]
    if begun is not None and other is not None:
        return abs(begun - other) <= _AGAIN
    return other is None or session["seen_to"] >= other


def _frame(found: list[dict]) -> pd.DataFrame:
    columns = schemas.get("sessions").names
    told = [{key: each.get(key) for key in columns} for each in found]
    for each in told:
        each["ended"] = each["ended"] or "not known, no line tells"
    early = pd.Timestamp.max.tz_localize("UTC")
    told.sort(key=lambda each: (each["started_at"] or each["seen_from"] or early, each["pid"] or 0))
    return schemas.frame("sessions", told)
