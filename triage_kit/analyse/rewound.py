"""Whether the data directory went back in time: an older copy or snapshot put back, or a recovery to a chosen point.

An older state is whole and sound in itself, so no table shows it. What shows it is whatever lies outside of the data
directory, or was promised never to fall: LSNs and checkpoints that the log names and the control file has not reached,
a shutdown time that the log's later runs contradict, an earlier bundle that knew a higher LSN or xid (measured on 13 to
18: a volume's snapshot keeps system identifier and timeline, and the log says no more than when it was last up).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.records import position

SLACK = pd.Timedelta(seconds=2)  # the control file's times are whole seconds
_LSN = re.compile(r"\blsn=([0-9A-F]+/[0-9A-F]+)", re.IGNORECASE)
_DOWN = re.compile(
    r"database system was (?:shut down at|interrupted; last known up at) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
)
_CHOSEN = re.compile(r"starting point-in-time recovery|recovery stopping (?:before|after|at|just)")


def older_state(evidence: Mapping[str, pd.DataFrame], about: Context) -> Observation | None:
    """Observation of signal ``older_state``; None where neither log nor earlier bundle could tell."""
    if not about.has_server or about.in_recovery:
        return None
    identity, events = first(evidence["identity"]), _of_this_cluster(evidence["log_events"], about)
    known = first(evidence["baseline"])
    for told in (_below_baseline(identity, known), _below_log(identity, events), _behind_checkpoint(identity, events),
                 _stopped_before(events, evidence["settings"])):  # fmt: skip
        if told is not None:
            return Observation(("rewound",), told[0], told[1], "server", "server")
    chosen = events[events["message"].str.contains(_CHOSEN).fillna(False)]
    if len(chosen):
        last = rows(chosen.tail(1))[0]
        says = f"the log tells of a recovery to an earlier point: {last['message'][:160]}"
        return Observation(("recovered",), says, f"{last['file']}:{last['line']}", "server", "server")
    if not len(events):
        return None
    return Observation(("onward",), "nothing in the log was later than the data directory is now", "log", "", "server")


def _of_this_cluster(events: pd.DataFrame, about: Context) -> pd.DataFrame:
    """What the log says since the data directory was made, up to the moment when the server was asked."""
    born = about.initdb_at
    kept = events[events["at"].notna() & events["message"].notna()]
    return kept if born is None else kept[kept["at"] > born + SLACK / 2]


def _below_baseline(identity: dict, known: dict) -> tuple[str, str] | None:
    """An earlier bundle of this very data directory that had come further."""
    if not known or known.get("system_identifier") != identity.get("system_identifier"):
        return None
    then, now = position(known.get("lsn")), position(identity.get("lsn"))
    if then is None or now is None or now >= then:
        return None
    says = f"the WAL stands at {identity['lsn']}, and the earlier bundle of the same cluster had {known['lsn']}"
    return says, known.get("source") or "baseline"


def _below_log(identity: dict, events: pd.DataFrame) -> tuple[str, str] | None:
    """A checkpoint of the log whose LSN the server has not reached (from 16 on the lines name it)."""
    now = position(identity.get("lsn"))
    if now is None:
        return None
    for row in rows(events[events["subject"] == "checkpoint_complete"]):
        found = _LSN.search(row["message"])
        if found and (position(found[1]) or 0) > now:
            says = (
                f"a checkpoint at {row['at']:%Y-%m-%d %H:%M:%S} UTC stood at LSN {found[1]}; the server is "
                f"at {identity['lsn']} now, and an LSN never falls"
            )
            return says, f"{row['file']}:{row['line']}"
    return None


def _behind_checkpoint(identity: dict, events: pd.DataFrame) -> tuple[str, str] | None:
    """A checkpoint that the log saw begin and end, later than the last one of the control file."""
    last, asked = identity.get("checkpoint_at"), identity.get("asked_at")
    begun = None
    for row in rows(events[events["subject"].isin(("checkpoint_starting", "checkpoint_complete"))]):
        if "restartpoint" in row["message"]:
            continue
        if row["subject"] == "checkpoint_starting":
            begun = row["at"]
        elif begun is not None and last is not None and begun > last + SLACK and (asked is None or row["at"] < asked):
            says = (
                f"the log saw a checkpoint begin at {begun:%Y-%m-%d %H:%M:%S} UTC and end; the last one that the data "
                f"directory knows of was at {last:%Y-%m-%d %H:%M:%S} UTC"
            )
            return says, f"{row['file']}:{row['line']}"
    return None


def _stopped_before(events: pd.DataFrame, settings: pd.DataFrame) -> tuple[str, str] | None:
    """A start from a state that was last up before a run which the log saw meanwhile."""
    zone, ready = _zone(settings), None
    for row in rows(events[events["subject"].isin(("ready", "shutdown", "interrupted"))]):
        if row["subject"] == "ready":
            ready = row["at"]
            continue
        found = _DOWN.match(row["message"])
        down = _instant(found[1], zone) if found else None
        # A shutdown is later than the run that it ends; the time of one that crashed is that of its last checkpoint or
        # of its start, a moment before it was ready.
        slack = SLACK / 2 if row["subject"] == "shutdown" else 2 * SLACK
        if ready is not None and down is not None and down + slack < ready:
            says = (
                f"the server ran at {ready:%Y-%m-%d %H:%M:%S} UTC, and the next start found a data directory that was "
                f"last up before: {row['message'][:120]}"
            )
            return says, f"{row['file']}:{row['line']}"
    return None


def _zone(settings: pd.DataFrame) -> ZoneInfo | None:
    named = settings.loc[settings["name"] == "log_timezone", "value"].dropna()
    try:
        return ZoneInfo(str(named.iloc[0])) if len(named) else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _instant(text: str, zone: ZoneInfo | None) -> pd.Timestamp | None:
    if zone is None:
        return None
    return pd.Timestamp(text).tz_localize(zone, ambiguous=False, nonexistent="shift_forward").tz_convert("UTC")
