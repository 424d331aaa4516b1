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
_LAST_UP = re.compile(
    r"database system was (shut down(?: in recovery)?|interrupted; last known up) at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
)
_CHOSEN = re.compile(r"starting point-in-time recovery|recovery stopping (?:before|after|at|just)")


def older_state(evidence: Mapping[str, pd.DataFrame], about: Context) -> Observation | None:
    """Observation of signal ``older_state``; None where neither log nor earlier bundle could tell."""
    if not about.has_server or about.in_recovery:
        return None
    identity, events = first(evidence["identity"]), _of_this_cluster(evidence["log_events"], about)
    known = first(evidence["baseline"])
    for told in (_below_baseline(identity, known), _below_log(identity, events), _behind_checkpoint(identity, events),
                 another_state(events, evidence["settings"])):  # fmt: skip
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


def another_state(events: pd.DataFrame, settings: pd.DataFrame) -> tuple[str, str] | None:
    """In words and from where, that a start found another state than the log had left; None where no line tells.

    A start tells when its state was last up, in the log's own zone. That is the time of the shutdown before it, or is
    not earlier than the run before it; a copy, a snapshot or another volume that was put there has a time of its own.
    """
    zone, clean = _zone(settings), False
    down: pd.Timestamp | None = None  # of the last clean shutdown; an immediate one leaves a state to recover from
    ready: pd.Timestamp | None = None
    told = events["subject"].isin(("ready", "shutdown", "interrupted", "not_shut_down"))
    told |= events["message"] == "shutting down"
    for row in rows(events[told.fillna(False)].sort_values(["at", "line"])):
        message = row["message"] or ""
        if row["subject"] == "ready":
            ready = row["at"]
        elif message == "shutting down":
            clean = True
        elif message == "database system is shut down":
            down = row["at"] if clean else None
        elif began := _LAST_UP.match(message):
            says = _contradicted(began, down, ready, zone)
            if says is not None:
                return f"{says}: {message[:120]}", f"{row['file']}:{row['line']}"
            clean, down = False, None
    return None


def _contradicted(
    began: re.Match[str], down: pd.Timestamp | None, ready: pd.Timestamp | None, zone: ZoneInfo | None
) -> str | None:
    """How the state that a start found contradicts what the log saw before; None where it does not."""
    interrupted = began[1].startswith("interrupted")
    if down is not None and (interrupted or _other_time(began[2], down)):
        return f"shut down at {down:%Y-%m-%d %H:%M:%S} UTC, the server then began from another state"
    then = _instant(began[2], zone)
    # A shutdown is later than the run that it ends; the time of one that crashed is that of its last checkpoint or of
    # its start, a moment before it was ready.
    slack = 2 * SLACK if interrupted else SLACK / 2
    if ready is not None and then is not None and then + slack < ready:
        return f"the server ran at {ready:%Y-%m-%d %H:%M:%S} UTC, and its next start found a state of before"
    return None


def _other_time(told: str, down: pd.Timestamp) -> bool:
    """Whether a local time is not that of a shutdown, whatever the zone is: zones differ by quarters of an hour."""
    apart = (pd.Timestamp(told, tz="UTC") - down).total_seconds()
    return not -1.5 < (apart + 450) % 900 - 450 < 0.5


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
