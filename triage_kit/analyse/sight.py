"""Whether the application can see the rows that stand: its search_path, row security, and when these changed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.statements import Seen
from triage_kit.analyse.xids import Clock

DEFAULT_PATH = '"$user", public'
_SCHEMA = re.compile(r'"((?:[^"]|"")*)"|([^,\s][^,]*)')
_REFUSED = re.compile(r'permission denied for (?:table|relation|view|materialized view) "?([^"]+?)"?\Z')
_READS = re.compile(r"(?is)^\s*(?:select|with|copy|declare|table|execute|fetch)\b")
OPEN = re.compile(r"(?i)^\(*\s*(true|1\s*=\s*1)\s*\)*$")
_SHUT = re.compile(r"(?i)^\(*\s*(false|1\s*=\s*0)\s*\)*$")
MOST_SHOWN = 120  # characters of a policy's condition
CHANGES = ("enable_row_security", "create_policy", "alter_policy", "drop_policy")


def search_path(text: str, role: str) -> list[str]:
    """The schemas of a search_path in order, ``$user`` replaced.

    >>> search_path('"$user", public, "My, Schema"', "app")
    ['app', 'public', 'My, Schema']
    """
    parts = [quoted.replace('""', '"') if quoted else plain.strip() for quoted, plain in _SCHEMA.findall(text)]
    return [role if part == "$user" else part for part in parts]


def path_of(evidence: Mapping[str, pd.DataFrame], role: str, database: str | None) -> tuple[list[str], str]:
    """The search_path that a new session of the role gets, and where it is set.

    PostgreSQL documentation, pg_db_role_setting: role and database together win over the role, the role over the
    database, the database over the configuration.
    """
    best: tuple[int, str, str] = (-1, DEFAULT_PATH, "the server's default")
    for row in rows(evidence["role_settings"]):
        if row["role"] not in (role, None) or row["database"] not in (database, None):
            continue
        rank = 2 * (row["role"] is not None) + (row["database"] is not None)
        for setting in row["settings"]:
            key, _, value = setting.partition("=")
            if key == "search_path" and rank > best[0]:
                place = " in ".join(filter(None, (row["role"], row["database"]))) or "every role"
                best = (rank, value, f"ALTER {'ROLE' if row['role'] else 'DATABASE'} of {place}")
    if best[0] < 0:
        for row in rows(evidence["settings"]):
            if row["name"] == "search_path" and row["source"] in ("configuration file", "default", "command line"):
                best = (0, row["value"] or DEFAULT_PATH, "the server's configuration")
    return search_path(best[1], role), best[2]


def paths(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context) -> dict[str, Observation]:
    """Whether the application's search_path finds each table under its bare name, or an empty namesake before it."""
    database = next(iter(evidence["identity"]["database"].dropna()), None)
    roles = [about.app_role] if about.app_role else _roles_with_a_path(evidence, database)
    by_name: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        by_name[table.relation["name"]].append(table)
    found: dict[str, Observation] = {}
    for role in roles:
        path, why = path_of(evidence, role, database)
        for table in tables:
            told = _found_by(table, by_name[table.relation["name"]], path, role, why)
            if told is not None and (table.name not in found or told.outcomes[0] == "shadowed"):
                found[table.name] = told
    return found


def _roles_with_a_path(evidence: Mapping[str, pd.DataFrame], database: str | None) -> list[str]:
    """Roles whose search_path is set for themselves, where the case does not say which role the application has."""
    return sorted(
        {
            row["role"]
            for row in rows(evidence["role_settings"])
            if row["role"] and row["database"] in (database, None)
            and any(setting.startswith("search_path=") for setting in row["settings"])
        }
    )  # fmt: skip


def _found_by(table: Dossier, namesakes: Sequence[Dossier], path: list[str], role: str, why: str) -> Observation | None:
    schema = table.relation["schema"]
    place = path.index(schema) if schema in path else len(path)
    before = [other for other in namesakes if other.relation["schema"] in path[:place]]
    says = f"the search_path of {role} is {', '.join(path)} ({why})"
    if before and table.balance["actual_rows"] != 0 and table.heap_bytes != 0:
        return Observation(
            ("shadowed",), f"{says}: {before[0].name} is found before it", "pg_db_role_setting", table.name
        )
    if schema in path:
        return Observation(("found",), f"{says}: it is found there", "pg_db_role_setting", table.name)
    return Observation(("outside",), f"{says}: its schema is not in it", "pg_db_role_setting", table.name)


def refusals(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context) -> dict[str, Observation]:
    """Tables that the application was refused to read: an error in the log that names one, of a reading statement.

    PostgreSQL logs every such error with its statement, whatever log_statement says; the message gives the bare name.
    """
    short: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        short[table.relation["name"]].append(table)
    events, found = evidence["log_events"], {}
    for row in rows(events[events["severity"].eq("ERROR") & events["message"].str.startswith("permission denied")]):
        told = _REFUSED.match(row["message"])
        wrong = about.app_role is not None and row["role"] not in (about.app_role, None)
        if told is None or wrong or not _READS.match(row["statement"] or ""):
            continue
        for table in short.get(told[1], ()):
            says = f"{row['role'] or 'a role'} was refused to read it: {row['message']}"
            found[table.name] = Observation(("refused",), says, f"{row['file']}:{row['line']}", table.name, "log")
    return found


def policies(
    tables: Sequence[Dossier],
    seen: Mapping[str, Sequence[Seen]],
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    clock: Clock,
) -> dict[str, Observation]:
    """What row security leaves of each table for the application, and whether it is new."""
    exempt = {row["name"] for row in rows(evidence["roles"]) if row["superuser"] or row["bypasses_row_security"]}
    member, found = members(evidence), {}
    lone = _alone(tables)
    for table in tables:
        if table.relation["row_security"] is not None:
            told = _filtered(table, seen.get(table.name, ()), about, clock, exempt, member)
            if told.outcomes == ("filters",) and table.name in lone:
                says = f"{told.says}; no other table of its schema has row security"
                told = replace(told, outcomes=("filters_alone",), says=says)
            found[table.name] = told
    return found


def _alone(tables: Sequence[Dossier]) -> set[str]:
    """Tables that alone in a schema of several have row security."""
    secured: defaultdict[str, list[str]] = defaultdict(list)
    count: defaultdict[str, int] = defaultdict(int)
    for table in tables:
        if table.relation["kind"] == "table" and not table.relation["is_partition"]:
            count[table.relation["schema"]] += 1
            if table.relation["row_security"]:
                secured[table.relation["schema"]].append(table.name)
    return {names[0] for schema, names in secured.items() if len(names) == 1 and count[schema] > 2}


def _filtered(
    table: Dossier,
    seen: Sequence[Seen],
    about: Context,
    clock: Clock,
    exempt: set[str],
    member: Mapping[str, set[str]],
) -> Observation:
    if not table.relation["row_security"]:
        return Observation(("absent",), "row security is off", "pg_class", table.name)
    role = about.app_role
    owner = table.relation["owner"] == role and not table.relation["force_row_security"]
    if role is not None and (role in exempt or owner):
        return Observation(("absent",), f"row security is on, {role} is exempt", "pg_class", table.name)
    reading = [policy for policy in table.policies if (policy["command"] or "ALL").upper() in ("ALL", "SELECT", "*")]
    mine = [policy for policy in reading if applies(policy, role, member)]
    names = ", ".join(policy["name"] for policy in mine)
    shown = " or ".join(dict.fromkeys(schemas.cut(policy["using"] or "true", MOST_SHOWN) for policy in mine))
    changed = _changed(table, seen, about, clock)
    if _shut(mine):
        says = f"row security is on, and no policy lets {role or 'any role but the owner'} see a row"
        # Where nobody says whose view counts, a table may be shut to all but a role that is exempt, and be meant so.
        outcome = "blind_since" if changed and role is not None else "blind"
        return Observation((outcome,), says + changed, "pg_policy", table.name)
    if all(OPEN.match(policy["using"] or "true") for policy in mine):
        return Observation(
            ("open",), f"row security is on, and {names} lets every row through", "pg_policy", table.name
        )
    outcome = "filters_since" if changed else "filters"
    return Observation(
        (outcome,),
        f"row security is on: {names} shows {role or 'the application'} only rows with {shown}{changed}",
        "pg_policy",
        table.name,
    )


def _shut(mine: Sequence[dict]) -> bool:
    """Whether these policies let no row through: none permits one that is not false, or one forbids all.

    PostgreSQL documentation, CREATE POLICY: permissive policies are joined by OR, restrictive ones by AND.
    """
    shut = [bool(_SHUT.match(policy["using"] or "")) for policy in mine]
    permits = any(policy["permissive"] is not False and not no for policy, no in zip(mine, shut, strict=True))
    return not permits or any(policy["permissive"] is False and no for policy, no in zip(mine, shut, strict=True))


def members(evidence: Mapping[str, pd.DataFrame]) -> dict[str, set[str]]:
    """Each role with those that it is a member of, itself among them."""
    return {row["name"]: {row["name"], *row["member_of"]} for row in rows(evidence["roles"])}


def applies(policy: dict, role: str | None, member: Mapping[str, set[str]]) -> bool:
    """Whether a policy is for a role, or for one that it is a member of."""
    roles = set(policy["roles"])
    return role is None or not roles or "public" in roles or bool(roles & member.get(role, {role}))


def _changed(table: Dossier, seen: Sequence[Seen], about: Context, clock: Clock) -> str:
    """Words for a change of row security inside the window; empty where none is known."""
    done = [each for each in seen if each.operation in CHANGES and each.outcome not in ("failed", "rolled_back")]
    if done:
        return f"; seen: {done[-1].text[:120]}"
    when = clock.inside(table.relation["xmin"], about.window_start) if table.relation["xmin"] else ""
    new = table.created_xid is not None and bool(clock.inside(table.created_xid, about.window_start))
    return f"; its pg_class row was written {when}" if when and not new and not table.replaced else ""
