"""What the log and pg_stat_statements would have shown, so that their silence is weighed for what it is worth.

Measured on 13 to 18 with a TRUNCATE and a DELETE of a few rows: the log holds them at log_statement = mod or all, at a
duration threshold of 0, and where every statement or transaction is sampled; at log_statement = ddl, at any higher
threshold, with log_duration alone and at log_min_messages = fatal or panic it does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from triage_kit.analyse.context import first, rows

QUIET = pd.Timedelta(days=1)  # between the end of one file and the beginning of the next: lines, or a file, are missing
FULL = 0.85  # PostgreSQL source, pg_stat_statements.c: when it is full, the least used twentieth is thrown out
LOGGING = ("log_statement", "log_min_duration_statement", "log_min_duration_sample", "log_statement_sample_rate",
           "log_transaction_sample_rate", "log_min_messages")  # fmt: skip
OWN = (
    "user",
    "database user",
    "client",
    "session",
)  # where a setting of the collector's own role or session comes from
_CHANGED = re.compile(rf'parameter "({"|".join(LOGGING)})" (?:changed to|removed from)')


@dataclass(frozen=True)
class Visibility:
    """Whether a plain destructive statement would have been seen, and why."""

    statements: bool
    why: str


def visibility(evidence: Mapping[str, pd.DataFrame]) -> Visibility:
    """What log settings, the log's span and pg_stat_statements would have shown of a plain TRUNCATE or DELETE."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"]) if row["source"] not in OWN}
    logged = _logged(settings)
    doubt = _doubt(evidence, settings) if logged.statements else ""
    if logged.statements and not doubt:
        # What a function runs is not logged, nor its call by SELECT at mod (PostgreSQL documentation, log_statement).
        return Visibility(
            True, f"{logged.why} would have shown it unless a function ran it, and the log reaches back far enough"
        )
    counted = _counted(evidence)
    if counted is not None:
        return counted
    return Visibility(False, doubt or logged.why)


def _logged(settings: Mapping[str, str | None]) -> Visibility:
    """Whether these settings log a statement that succeeds and takes no time; the setting, or why not."""
    level, threshold = settings.get("log_statement"), settings.get("log_min_messages")
    if level is None:
        return Visibility(False, "log_statement is not known, so silence in the log means nothing")
    if threshold in ("fatal", "panic"):
        return Visibility(False, f"log_min_messages = {threshold} keeps logged statements out of the log")
    if level in ("mod", "all"):
        return Visibility(True, f"log_statement = {level}")
    if settings.get("log_min_duration_statement") == "0":
        return Visibility(True, "log_min_duration_statement = 0")
    if settings.get("log_min_duration_sample") == "0" and _number(settings.get("log_statement_sample_rate")) == 1:
        return Visibility(True, "log_min_duration_sample = 0 with every statement sampled")
    if _number(settings.get("log_transaction_sample_rate")) == 1:
        return Visibility(True, "log_transaction_sample_rate = 1")
    return Visibility(False, f"log_statement = {level} logs no TRUNCATE or DELETE that succeeds{_partly(settings)}")


def _partly(settings: Mapping[str, str | None]) -> str:
    """What else is logged, but not for certain."""
    slow, sampled = settings.get("log_min_duration_statement"), settings.get("log_transaction_sample_rate")
    told = []
    if _number(slow) > 0:
        told.append(f"only one of {slow} ms or more")
    if _number(settings.get("log_min_duration_sample")) >= 0 or _number(sampled) > 0:
        told.append("a sample of them")
    return f" ({' and '.join(told)})" if told else ""


def _number(value: str | None) -> float:
    try:
        return float(value) if value is not None else -1.0
    except ValueError:
        return -1.0


def _doubt(evidence: Mapping[str, pd.DataFrame], settings: Mapping[str, str | None]) -> str:
    """Why a log whose settings are good may have missed it all the same; empty when nothing says so."""
    told = first(evidence["incident"])
    begin = told.get("window_start") or told.get("noticed_at")
    names = {row["database"] for row in rows(evidence["identity"])}
    for row in rows(evidence["role_settings"]):
        if row["database"] is None or row["database"] in names:
            own = dict(each.split("=", 1) for each in row["settings"] if "=" in each)
            quieter = _logged({**settings, **own})
            if not quieter.statements:
                whose = " in ".join(filter(None, (row["role"], row["database"])))
                return f"sessions of {whose or 'every role'} are logged otherwise: {quieter.why}"
    events = evidence["log_events"]
    for row in rows(events[events["subject"] == "parameter_changed"]):
        if (found := _CHANGED.match(row["message"] or "")) and row["at"] is not None and not _before(row["at"], begin):
            return f"{found[1]} was changed at {row['at']:%Y-%m-%d %H:%M:%S} UTC: what was logged before is not known"
    return _missing(evidence["log_sources"], evidence["incident"])


def _before(at: pd.Timestamp, begin: pd.Timestamp | None) -> bool:
    return begin is not None and at < begin


def _counted(evidence: Mapping[str, pd.DataFrame]) -> Visibility | None:
    """What pg_stat_statements would have shown; None where it was not read, or not of everybody."""
    entries = evidence["statements"]
    asked = evidence["questions"]
    answered = ((asked["source"] == "statements") & (asked["status"] == "answered")).any()
    texts = entries["text"]
    if not answered or (texts.isna() | (texts == "<insufficient privilege>")).any():
        return None
    most = _number(first(evidence["settings"][evidence["settings"]["name"] == "pg_stat_statements.max"]).get("value"))
    if 0 < FULL * most <= len(entries):
        return Visibility(
            False, f"pg_stat_statements is full ({len(entries)} of {most:.0f}): the rarest it has forgotten"
        )
    since = entries["counters_since"].max() if len(entries) else None
    begin = first(evidence["incident"]).get("window_start")
    if begin is not None and since is not None and not pd.isna(since) and since > begin:
        return Visibility(False, f"pg_stat_statements began at {since:%Y-%m-%d %H:%M:%S} UTC, inside the window")
    return Visibility(True, "pg_stat_statements counts every plain statement since its last reset or crash")


def covers(log_sources: pd.DataFrame, incident: pd.DataFrame) -> bool:
    """Whether the log reaches from the beginning of the window, or else from before people noticed, without a hole."""
    return not _missing(log_sources, incident)


def _missing(log_sources: pd.DataFrame, incident: pd.DataFrame) -> str:
    """What the files that were read leave out of the window, in words; empty when they leave nothing out."""
    told = first(incident)
    begin = told.get("window_start") or told.get("noticed_at")
    end = told.get("window_end") or told.get("noticed_at")
    read = log_sources.dropna(subset=["first_at", "last_at"]).sort_values("first_at", kind="stable")
    if read.empty or (begin is not None and read["first_at"].iloc[0] > begin):
        return "the log that was read does not reach back to the beginning of the window"
    reached = None
    for row in rows(read):
        if reached is not None and row["first_at"] - reached > QUIET and _inside(reached, row["first_at"], begin, end):
            return f"between two files of the log lies a hole, from {_day(reached)} to {_day(row['first_at'])} UTC"
        reached = row["last_at"] if reached is None else max(reached, row["last_at"])
    if end is not None and reached is not None and end - reached > QUIET:
        return f"the log that was read ends at {_day(reached)} UTC, before the end of the window"
    return ""


def _inside(start: pd.Timestamp, stop: pd.Timestamp, begin: pd.Timestamp | None, end: pd.Timestamp | None) -> bool:
    return (end is None or start <= end) and (begin is None or stop >= begin)


def _day(at: pd.Timestamp) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
