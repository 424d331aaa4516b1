"""Whether the database behind the name is the one that always had it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.earlier import Earlier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.lineage import NEAR
from triage_kit.analyse.statements import AWAY, Seen
from triage_kit.analyse.xids import Clock

NEIGHBOURS = 8  # OIDs: what one CREATE DATABASE takes, and a little more
LATER, WELL_AFTER = pd.Timedelta(seconds=1), pd.Timedelta(hours=1)


def _stood_before(evidence: Mapping[str, pd.DataFrame], about: Context, clock: Clock, now: dict) -> bool:
    """Whether a database of this name stood before the one of now: its sessions are in the log, or the window is late.

    A window that begins with the cluster holds the first making of everything.
    """
    made, _ = clock.between(now["database_xmin"])
    events = evidence["log_events"]
    mine = events.loc[(events["database"] == now.get("database")).fillna(False), "at"].dropna()
    if made is not None and len(mine) and mine.min() < made - LATER:
        return True
    return about.initdb_at is not None and about.window_start is not None and (
        about.window_start - about.initdb_at > WELL_AFTER)  # fmt: skip


def _stood_here(events: pd.DataFrame, about: Context, clock: Clock, now: dict) -> str:
    """In words, that sessions of the name worked in this data directory before the database of now was made."""
    made, _ = clock.between(now["database_xmin"])
    if made is None or about.initdb_at is None:
        return ""
    mine = events[(events["database"] == now.get("database")).fillna(False) & (events["severity"] != "FATAL")]
    there = mine.loc[(mine["at"] > about.initdb_at + LATER) & (mine["at"] < made - LATER), "at"]
    return f"sessions of that name were served by this data directory at {there.min():%Y-%m-%d %H:%M:%S} UTC" if len(
        there) else ""  # fmt: skip


def _renamed_away(databases: pd.DataFrame, now: dict) -> str:
    """In words, the older database that gave its name away just before the one of now was made; empty: there is none.

    ``ALTER DATABASE … RENAME`` writes the row anew and keeps the OID (measured on 13 to 18), and CREATE DATABASE
    follows it. Two databases that were made one after the other have neighbouring OIDs as well.
    """
    made, name = now.get("database_xmin"), str(now.get("database"))
    for row in rows(databases):
        older = row["oid"] < now["database_oid"] and not row["is_template"] and row["name"] not in (name, "postgres")
        if not older or not made or row["xmin"] is None or not 0 < made - row["xmin"] <= NEAR:
            continue
        if name.lower() in row["name"].lower() or now["database_oid"] - row["oid"] > NEIGHBOURS:
            return (f"the older database {row['name']} was written by transaction {row['xmin']}, as by its renaming, "
                    f"and {name} was made by transaction {made}")  # fmt: skip
    return ""


def database_age(
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    clock: Clock,
    before: Earlier | None,
    seen: Sequence[Seen] = (),
) -> Observation | None:
    """Whether the database was dropped and made again; None where nothing can tell.

    Measured on 13 to 18: it then has a new OID and a new pg_database row, and pg_stat_statements keeps the rows of the
    one that is gone under an OID that no database has. ``replaced`` where the one before stood in this very data
    directory, so that no other directory is needed to explain what is new; ``remade`` where that is open.
    """
    now = first(evidence["identity"])
    if not now.get("database_oid"):
        return None
    name, source = now.get("database"), "pg_database"
    if before is not None and before.other_database is not None and not before.other_cluster:
        outcome = "remade" if before.other_database else "older"
        says = (
            f"the database {name} has {'another' if before.other_database else 'the same'} OID as in the earlier bundle"
        )
        return Observation((outcome,), says, source, str(name), "server")
    if away := _renamed_away(evidence["databases"], now):
        return Observation(("replaced",), away, source, str(name), "server")
    dropped = [each for each in seen if each.operation in AWAY and each.done]
    if dropped:
        last = next(
            (each for each in reversed(dropped) if each.at is not None), dropped[-1]
        )  # counted ones are undated
        says, at, born = f"seen, {last.outcome}: {last.text[:200]}", last.at, about.initdb_at
        outcome = "replaced" if at is not None and born is not None and at > born + LATER else "remade"
        return Observation((outcome,), says, last.where, str(name), "server")
    _, end = clock.between(now["database_xmin"]) if now.get("database_xmin") else (None, None)
    when = clock.inside(now["database_xmin"] or 0, about.window_start)
    if when and _stood_before(evidence, about, clock, now):
        says = f"the row of the database {name} was written {when}"
        if stood := _stood_here(evidence["log_events"], about, clock, now):
            return Observation(("replaced",), f"{says}, and {stood}", source, str(name), "server")
        return Observation(("remade",), says, source, str(name), "server")
    known = set(evidence["databases"]["oid"].dropna())
    orphans = sorted({row["database_oid"] for row in rows(evidence["statements"]) if row["database_oid"]} - known)
    if known and orphans and max(orphans) < now["database_oid"]:
        says = f"pg_stat_statements has entries of a database that is gone (OID {orphans[-1]}), older than {name}"
        return Observation(("remade",), says, "pg_stat_statements", str(name), "server")
    if end is not None and about.window_start is not None and end < about.window_start:
        return Observation(("older",), f"the database {name} is older than the window", source, str(name), "server")
    return None
