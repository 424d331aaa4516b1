"""Who or what did it: items of evidence for and against each cause of each group, weighed by knowledge/causes.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import knowledge
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dating import STATEMENTS
from triage_kit.analyse.groups import LOSSES, Group
from triage_kit.analyse.inference import Observation, decibans, posterior
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.statements import REMOVES_ROWS, Seen, covers

SHELLS = (
    "psql",
    "pgadmin",
    "dbeaver",
    "datagrip",
    "tableplus",
    "beekeeper",
    "navicat",
    "dbvisualizer",
    "postico",
    "heidisql",
)
TESTS = ("pytest", "unittest", "jest", "vitest", "rspec", "phpunit", "cypress", "playwright", "junit", "testcontainers")
JOBS = ("cron", "job", "schedul", "airflow", "retention", "purge", "cleanup", "nightly")
WOULD_SETTLE = {
    "truncate": (
        "log_statement = mod or pgAudit from now on; for the past, the WAL of the transaction and the shell "
        "history and session log of those who may TRUNCATE"
    ),
    "delete": (
        "the log of that time with log_statement = mod, pg_stat_statements with its roles, or the WAL of the "
        "transaction"
    ),
    "other": "the log of that time, the history of migrations and scripts, and the people who had access",
}
MECHANISM_OUTCOME = {
    "cascade_delete": "delete",
    "drop": "recreate",
    "partition_drop": "recreate",
    "column_drop": "other",
    "unknown": "other",
    "hidden": "not_lost",
}


@dataclass(frozen=True)
class Inquiry:
    """What the items need to know besides the group."""

    evidence: Mapping[str, pd.DataFrame]
    about: Context
    scene: Scene
    findings: Sequence[dict]
    ledger: Ledger


def find_causes(groups: Sequence[Group], inquiry: Inquiry) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables ``causes`` and ``cause_evidence``; a case without loss has one group whose cause is ``not_lost``."""
    if not groups:
        return _nothing_lost(inquiry), schemas.empty("cause_evidence")
    causes, moved = [], []
    for group in groups:
        seen, references = _items(group, inquiry)
        known = knowledge.causes()
        probabilities = posterior(known, seen)
        for word in sorted(probabilities, key=lambda w: (-probabilities[w], w)):
            shifts = {name: decibans(known, name, seen[name], word) for name in seen}
            causes.append(
                {
                    "group": group.name,
                    "cause": word,
                    "title": known.titles[word],
                    "probability": round(probabilities[word], 6),
                    "tables": group.tables,
                    "would_settle": WOULD_SETTLE.get(group.mechanism, WOULD_SETTLE["other"]),
                    "for": tuple(references[name] for name, shift in shifts.items() if shift >= 1),
                    "against": tuple(references[name] for name, shift in shifts.items() if shift <= -1),
                }
            )
            moved += [
                {
                    "group": group.name,
                    "item": name,
                    "cause": word,
                    "decibans": round(shift, 3),
                    "evidence": references[name],
                    "likelihood": known.signals[name].likelihood(word, seen[name].outcomes),
                    "source": known.signals[name].source,
                }
                for name, shift in shifts.items()
            ]
    return schemas.frame("causes", causes), schemas.frame("cause_evidence", moved)


def _nothing_lost(inquiry: Inquiry) -> pd.DataFrame:
    """The one group of a case without loss: as sure of it as of the least certain table that people name."""
    named = [row for row in inquiry.findings if row["reported"]] or list(inquiry.findings)
    sure = min((row.get("_intact", 0.0) for row in named), default=0.0)
    known = knowledge.causes()
    shares = dict.fromkeys(known.priors, 0.0) | {"not_lost": round(sure, 6), "unknown": round(1 - sure, 6)}
    because = tuple(dict.fromkeys(reference for row in named[:5] for reference in row["because"]))
    return schemas.frame(
        "causes",
        [
            {
                "group": "G1",
                "cause": word,
                "title": known.titles[word],
                "probability": shares[word],
                "tables": (),
                "for": because if word == "not_lost" else (),
                "against": (),
                "would_settle": WOULD_SETTLE["other"],
            }
            for word in sorted(shares, key=lambda w: (-shares[w], w))
        ],
    )


def _items(group: Group, inquiry: Inquiry) -> tuple[dict[str, Observation], dict[str, str]]:
    """What was observed of each item, with the id of its evidence row; items that could not be seen are left out."""
    word = MECHANISM_OUTCOME.get(group.mechanism, group.mechanism)
    outcomes = knowledge.causes().signals["mechanism"].outcomes
    seen = {
        "mechanism": Observation(
            (word if word in outcomes else "other",),
            f"{group.name}: the rows went by {group.mechanism}",
            "analysis",
            group.name,
            "mechanism",
        )
    }
    for name, (yes, says, source) in {
        **_sessions(group, inquiry),
        **_surroundings(group, inquiry),
        **_repository(group, inquiry),
    }.items():
        seen[name] = Observation(("seen" if yes else "not_seen",), says, source, group.name, "cause")
    ledger = inquiry.ledger
    return seen, {name: ledger.add(each.group, each.says, each.source, each.row) for name, each in seen.items()}


def _effects(group: Group, inquiry: Inquiry) -> list[Seen]:
    found = [seen for name in group.tables for seen in inquiry.scene.seen.get(name, ())]
    return [seen for seen in found if seen.operation in REMOVES_ROWS or seen.operation == "update"]


def _sessions(group: Group, inquiry: Inquiry) -> dict[str, tuple[bool, str, str]]:
    """Items from sessions in which a matching statement was seen; without one, only a failed attempt can be told."""
    wanted = STATEMENTS.get(group.mechanism, tuple(REMOVES_ROWS))
    effects = _effects(group, inquiry)
    done = [
        s
        for s in effects
        if s.operation in wanted
        and s.outcome not in ("failed", "rolled_back")
        and (s.bounded is not True or not group.whole)
    ]
    found: dict[str, tuple[bool, str, str]] = {}
    if done:
        best, role = done[0], inquiry.about.app_role
        who = f"{best.user or 'an unknown role'} / {best.application or 'no application name'}"
        # The application's own role is no job's, whatever it is called.
        name = f"{best.application or ''} {best.user if best.user != role else ''}".lower()
        found["statement_by_tests"] = (
            any(word in name for word in TESTS),
            f"the statement came from {who}",
            best.where,
        )
        found["statement_by_job"] = (any(word in name for word in JOBS), f"the statement came from {who}", best.where)
        if best.application or best.where == "pg_stat_statements":
            found["statement_by_shell"] = (
                any(word in name for word in SHELLS),
                f"the statement came from {who}",
                best.where,
            )
        if role is not None and best.user is not None:
            found["statement_by_application"] = (
                best.user == role,
                f"the statement came from {who}; the application is {role}",
                best.where,
            )
    failed = [
        s for s in effects if s.outcome == "failed" and s.operation in REMOVES_ROWS and _shortly_before(s, inquiry)
    ]
    if failed or covers(inquiry.evidence["log_sources"], inquiry.evidence["incident"]):
        says = (
            f"a {failed[-1].operation} on {failed[-1].table} failed at {failed[-1].at:%Y-%m-%d %H:%M:%S} UTC: "
            f"{failed[-1].text[:120]}"
            if failed
            else "no failed destructive statement on these tables in the log"
        )
        found["failed_attempt_by_hand"] = (bool(failed), says, failed[-1].where if failed else "log")
    return found


def _by_hand(text: str) -> str:
    # Bash escapes the ! of its history expansion: psql -c "… != …" reaches the server as \\!=.
    return " (the \\! is how an interactive shell writes !)" if "\\!" in text else ""


def _shortly_before(seen: Seen, inquiry: Inquiry) -> bool:
    noticed = inquiry.about.noticed_at or inquiry.about.collected_at
    start = inquiry.about.window_start or (noticed - pd.Timedelta(days=2) if noticed is not None else None)
    return seen.at is not None and (start is None or seen.at >= start) and (noticed is None or seen.at <= noticed)


def _surroundings(group: Group, inquiry: Inquiry) -> dict[str, tuple[bool, str, str]]:
    found: dict[str, tuple[bool, str, str]] = {}
    about, evidence = inquiry.about, inquiry.evidence
    if group.mechanism == "truncate":
        says = (
            f"{group.name} needs {len(group.roots)} named table{'s' if len(group.roots) != 1 else ''}: "
            f"{', '.join(group.roots)}"
        )
        found["several_roots"] = (len(group.roots) > 1, says, "pg_constraint")
    kept = [row for row in inquiry.findings if row["status"] == "intact" and (row["actual_rows"] or 0) > 0]
    lost = [row for row in inquiry.findings if row["status"] in LOSSES]
    if kept or lost:
        names = ", ".join(schemas.qualified(row["schema"], row["table"]) for row in kept[:4])
        says = f"{len(kept)} tables with rows were spared{f': {names}' if kept else ''}"
        found["survivors_chosen"] = (bool(kept) and bool(lost), says, "pg_stat_user_tables")
    if about.has_server and not about.in_recovery:
        when = (
            f"the server recovered from a crash at {about.crashed_at}"
            if about.crashed_at is not None
            else "no crash since the counters began"
        )
        found["crashed"] = (about.crashed_at is not None, when, "pg_stat_bgwriter")
    if inquiry.scene.volume_age is not None:
        found["volume_younger"] = inquiry.scene.volume_age
    if _answered(evidence, "replication"):
        names = [row["name"] for row in rows(evidence["replication"]) if row["kind"] == "subscription"]
        found["subscription"] = (bool(names), f"subscriptions: {', '.join(names) or 'none'}", "pg_subscription")
    return found


def _repository(group: Group, inquiry: Inquiry) -> dict[str, tuple[bool, str, str]]:
    if not _answered(inquiry.evidence, "migrations") or not len(inquiry.evidence["migrations"]):
        return {}
    short = {schemas.parts(name)[1] for name in group.tables}
    hits = [
        row
        for row in rows(inquiry.evidence["migration_operations"])
        if row["direction"] != "down"
        and row["operation"] in REMOVES_ROWS
        and schemas.parts(row["object"] or "")[1] in short
    ]
    if hits:
        first = hits[0]
        return {
            "statement_in_migration": (
                True,
                f"{first['path']}:{first['line']} would run {first['operation']} on {first['object']}",
                f"{first['path']}:{first['line']}",
            )
        }
    suspects = inquiry.evidence["migration_operations"]
    unread = suspects[(suspects["direction"] != "down") & suspects["operation"].isin(["dynamic", "unparsed"])]
    if len(unread):
        return {}  # what a migration builds at run time may be anything
    count = len(inquiry.evidence["migrations"])
    says = f"none of {count} migrations removes rows of {group.name}'s tables"
    return {"migrations_harmless": (True, says, "migrations")}


def _answered(evidence: Mapping[str, pd.DataFrame], source: str) -> bool:
    asked = evidence["questions"]
    return bool(((asked["source"] == source) & (asked["status"] == "answered")).any())
