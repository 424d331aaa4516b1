"""Who must decide what: the choices that the evidence leaves to people, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.recovery import Loss
from triage_kit.schemas.ways import way_back

MOST_WAYS = 3  # that a decision names; the recovery options have them all
SURE = 0.9  # above it nobody has to be asked who did it before the next step is taken
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
    first = tuple(proof for told in proofs.values() for proof in list(told)[:1])
    service = incident.get("service")
    owner = f"the owner of {service}" if service else "the owner of the application"
    lead = f"{incident['author']}, who leads this incident" if incident.get("author") else "whoever leads this incident"
    clocks = [row["deadline"] for row in rows(freeze) if row["deadline"] is not None]
    until = min(clocks, default=None)
    found = [
        {"who": owner, **_writers(lost), "because": first},
        _copies(until, first),
        _way(lead, lost, rows(recovery), first),
        _ask(causes),
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
    return {
        "decision": "When writers start again: with the rows back, or sooner without them",
        "why": "new rows mix with what comes back and have to be told apart; until then these tables are out of use",
    }


def _copies(until: pd.Timestamp | None, first: tuple[str, ...]) -> dict:
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
    if len(feasible) == 1:
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
    said = [
        _plain(row) + (f" ({row['effort']})" if row["effort"] not in (None, "", "none") else "")
        for row in ways[:MOST_WAYS]
    ]
    more = f" and {len(ways) - MOST_WAYS} more" if len(ways) > MOST_WAYS else ""
    return ", ".join(said) + more


def _ask(causes: pd.DataFrame) -> dict | None:
    """Whom to ask about the most probable cause, while it is not sure."""
    best = rows(causes.sort_values("probability", ascending=False, kind="stable").head(1))
    if not best or (best[0]["probability"] or 0) >= SURE or best[0]["cause"] not in ASKED:
        return None
    row = best[0]
    return {
        "who": ASKED[row["cause"]],
        "decision": "Say whether it was you, and what else ran at that time",
        "why": f"this is the most probable cause and not a certain one; what would settle it: {row['would_settle']}"
        if row["would_settle"]
        else "this is the most probable cause and not a certain one",
        "because": tuple(row["for"]),
    }
