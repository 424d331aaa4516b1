"""Who must decide what: the choices that the evidence leaves to people, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.freeze import KEEP_WAL
from triage_kit.analyse.recovery import Loss
from triage_kit.schemas.ways import way_back

MOST_WAYS = 3  # that a decision names; the recovery options have them all
SURE = 0.9  # above it nobody has to be asked who did it before the next step is taken
WORTH_ASKING = 0.05  # a cause that is less likely than this is asked about only where nothing likelier has a doer
MOST_ASKED = 3
RIVALS = 0.5  # who is asked besides: a cause at least half as likely as the likeliest
WHAT = "a restore, a deployment, a job or a script"  # that people are asked about while no cause is settled
ASKED = {  # cause: who knows whether it was so
    "manual_session": "whoever may log in with rights on these tables",
    "scheduled_job": "the owners of the scheduled jobs",
    "migration": "whoever ran the migrations",
    "application": "the developers of the application",
    "test_run": "whoever runs the tests and holds their settings",
    "restore": "whoever restores databases",
    "storage_replaced": "whoever runs the containers and volumes",
    "crash": "whoever runs the server",
    "replication": "whoever runs the server that is replicated from",
}


def decisions(
    incident: Mapping[str, object],
    lost: Loss,
    causes: pd.DataFrame,
    freeze: pd.DataFrame,
    recovery: pd.DataFrame,
    proofs: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """Table ``decisions``; empty when nothing is lost and nothing is to be stopped.

    Parameters
    ----------
    incident : the row of ``incident`` (service, author), may be empty.
    lost : what has to come back.
    causes, freeze, recovery : frames of these names.
    proofs : ids of evidence rows by group.
    """
    if not len(freeze):
        return schemas.empty("decisions")
    first = tuple(proof for told in proofs.values() for proof in list(told)[:1]) or freeze["because"].iloc[0][:2]
    service = incident.get("service")
    owner = f"the owner of {service}" if service else "the owner of the application"
    lead = f"{incident['author']}, who leads this incident" if incident.get("author") else "whoever leads this incident"
    # The freeze list's first clock may be the autovacuum's: disk space for the WAL is wanted by the WAL's own.
    until = next((row["deadline"] for row in rows(freeze) if row["action"] == KEEP_WAL), None)
    found = [
        {"who": owner, **_writers(lost), "because": first},
        _copies(lost, until, first),
        _way(lead, lost, rows(recovery), first),
        _ask(causes, time_of(lost, incident), first),
    ]
    kept = [each for each in found if each is not None]
    return schemas.frame("decisions", [{"order": number, **each} for number, each in enumerate(kept, 1)])


def _writers(lost: Loss) -> dict:
    """What the owner decides once the writers are stopped, as the freeze list asks for at once."""
    if lost.mechanisms == {"hidden"}:
        return {
            "decision": "Whether the application goes on while it does not see these rows",
            "why": "it may enter rows again that are there, and take others for gone",
        }
    if not lost.tables:
        return {
            "decision": "When writers start again: once it is settled whether rows were lost, or sooner",
            "why": "new rows mix with what may come back; until then these tables are out of use",
        }
    return {
        "decision": "When writers start again: with the rows back, or sooner without them",
        "why": "new rows mix with what comes back and have to be told apart; until then these tables are out of use",
    }


def _copies(lost: Loss, until: pd.Timestamp | None, first: tuple[str, ...]) -> dict:
    if lost.mechanisms == {"hidden"}:
        return {
            "who": "whoever runs the server",
            "decision": "Keep the server's logs until it is known what hid the rows",
            "why": "rotation deletes what may name who did it; the rows themselves stand",
            "until": None,
            "because": first,
        }
    return {
        "who": "whoever runs server and backups",
        "decision": "Give WAL, logs and backups disk space",
        "why": "retention and the next checkpoints delete what names the culprit or holds the rows",
        "until": until,
        "because": first,
    }


def _way(lead: str, lost: Loss, ways: Sequence[dict], first: tuple[str, ...]) -> dict | None:
    if not lost.tables:
        return None
    feasible = [row for row in ways if row["feasible"]]
    open_ = [row for row in ways if row["feasible"] is None]
    if len({_plain(row) for row in feasible}) == 1:
        decision = f"Whether to take the way back: {_plain(feasible[0])}"
        why = "what it does not bring is lost, unless another way turns up"
    elif feasible:
        decision = f"Which way back to take: {_named(feasible)}"
        why = "each brings other rows at another price; what none of them brings is lost"
    elif open_:
        decision = f"Have these ways back checked, in this order: {_named(open_)}"
        why = "none of them is known to work yet, and some fade with every hour"
    else:
        decision, why = "Accept the loss, or have the rows entered again", "no way back is known from this evidence"
    proof = tuple(dict.fromkeys(one for row in feasible or open_ for one in row["because"]))[:4]
    return {"who": lead, "decision": decision, "why": why, "because": proof or first}


def _plain(way: dict) -> str:
    """Its words without what explains them, which stand beside it on every page."""
    return way_back(way["option"]).partition(" (")[0]


def _named(ways: Sequence[dict]) -> str:
    # Each group of tables has ways of its own: what several of them have is one thing to decide.
    said = list(
        dict.fromkeys(
            _plain(row) + (f" ({row['effort']})" if row["effort"] not in (None, "", "none") else "") for row in ways
        )
    )
    more = f" and {len(said) - MOST_WAYS} more" if len(said) > MOST_WAYS else ""
    return ", ".join(said[:MOST_WAYS]) + more


def _ask(causes: pd.DataFrame, then: str, first: tuple[str, ...]) -> dict | None:
    """Whom to ask what ran, and what would show it, while the most probable cause of a group is not sure."""
    ranked, which = unsettled(causes)
    if not ranked:
        return None
    best = ranked[0]
    if best["cause"] in ASKED:
        asked = [row for row in suspected(ranked) if row["probability"] >= RIVALS * best["probability"]]
        known = "the most probable cause and not a certain one" if len(asked) < 2 else "the most probable causes"
        return {
            "who": people(asked),
            "decision": f"Say whether it was you{which}, whether on purpose, and what else ran at that time",
            "why": f"{'this is' if len(asked) < 2 else 'these are'} {known}; what would settle it: {shown(asked)}",
            "because": tuple(dict.fromkeys(one for row in asked for one in row["for"])) or first,
        }
    asked = suspected(ranked)
    if not asked:
        return None
    return {
        "who": people(asked),
        "decision": f"Say whether you ran {WHAT} {then}{which}, and which",
        "why": f"nothing that was read settles the cause; what would show it: {shown(asked)}",
        "because": tuple(dict.fromkeys(one for row in asked for one in row["for"]))[:4] or first,
    }


def unsettled(causes: pd.DataFrame) -> tuple[list[dict], str]:
    """The causes of the first group whose most probable one is not sure, the likeliest first, and which group it is.

    The chances of one group add up to 1: those of two groups are no ranking.
    """
    for name in causes["group"].unique():
        own = causes[causes["group"] == name].sort_values("probability", ascending=False, kind="stable")
        if (own["probability"].iloc[0] or 0) < SURE:
            return rows(own), f" ({name})" if len(causes["group"].unique()) > 1 else ""
    return [], ""


def people(asked: Sequence[dict]) -> str:
    """Who knows whether it was one of these causes."""
    *others, last = [ASKED[row["cause"]] for row in asked]
    return f"{', '.join(others)} and {last}" if others else last


def suspected(ranked: Sequence[dict]) -> list[dict]:
    """The causes that somebody can be asked about, the likeliest first; at least one where there is any."""
    told = [row for row in ranked if row["cause"] in ASKED]
    return [row for row in told if row["probability"] >= WORTH_ASKING][:MOST_ASKED] or told[:1]


def shown(asked: Sequence[dict]) -> str:
    """What would show whether it was one of these causes, each source once."""
    return "; ".join(dict.fromkeys(each for row in asked for each in (row["would_settle"] or "").split("; ") if each))


def time_of(lost: Loss, incident: Mapping[str, object]) -> str:
    """When it ran, as far as that is known, for those who are asked."""
    noticed = incident.get("noticed_at")
    start, end = lost.before, lost.until if lost.until is not None else noticed
    if start is not None and end is not None and _utc(start) != _utc(end):
        return f"between {_utc(start)} and {_utc(end)} UTC"
    if start is not None:
        return f"at about {_utc(start)} UTC"
    return f"before {_utc(end)} UTC" if end is not None and not pd.isna(end) else "before it was noticed"


def _utc(at: object) -> str:
    return f"{pd.Timestamp(at):%Y-%m-%d %H:%M:%S}"
