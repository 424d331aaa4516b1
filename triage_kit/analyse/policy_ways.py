"""The way back where row security hides rows: first what the policy asks of a session, then what opens a little more.

A policy keeps tenants or persons apart, and rows are out of sight since a session does not say which one it is. To say
it harms nobody. A policy that shows the application every row is a stopgap, and to switch row security off opens the
table to every role that may read it (PostgreSQL documentation, Row Security Policies).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from triage_kit import sql
from triage_kit.analyse.context import Context, by_table
from triage_kit.analyse.losses import Loss, literal, relations_of, remarked, way, written
from triage_kit.analyse.sight import applies, members

Evidence = Mapping[str, pd.DataFrame]
MOST_SHOWN = 200  # letters of a policy's expression
STOPGAP = "triage_shows"
_SETTING = re.compile(r"(?i)\bcurrent_setting\(\s*'([A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)+)'")
_COLUMN = r'("(?:[^"]|"")+"|[^\W\d][\w$]*)\)?(?:::[\w ]+)?\s*=\s*[^=]{0,60}?current_setting\(\s*\'{setting}\''
_WHO = re.compile(r"(?i)\b(?:current_user|session_user|current_role|pg_has_role|getpgusername)\b")


def row_security(lost: Loss, standing: int | None, evidence: Evidence, about: Context) -> dict | None:
    """What the policies of hidden tables demand, a policy for the application alone, and what to leave for the last."""
    relations = relations_of(evidence)
    names = tuple(name for name in lost.of("hidden") if relations.get(name, {}).get("row_security"))
    if not names:
        return None
    policies, columns = by_table(evidence["policies"]), by_table(evidence["columns"])
    role, member = about.app_role, members(evidence)
    lines: list[str] = []
    kept: list[str] = []
    asked: dict[str, None] = {}
    for name in names:
        relation = relations[name]
        own = [each for each in policies[relation["oid"]] if _reads(each)]
        mine = [each for each in own if applies(each, role, member)]
        others = [each for each in own if each not in mine and each["permissive"] is not False]
        kept += [f"{each['name']} on {name} (USING {each['using'] or 'true'})" for each in own][:4]
        stand = [each["name"] for each in columns[relation["oid"]] if not each["dropped"]]
        asked |= dict.fromkeys(setting for each in mine for setting in _settings(each))
        lines += [*_demanded(name, mine, others, stand, role), *_opened(name, relation, mine, role)]
    lines += [f"-- the last resort, which opens the table to every role that may read it, other tenants' too: "
              f"ALTER TABLE {written(name)} DISABLE ROW LEVEL SECURITY" for name in names]  # fmt: skip
    who = role or "every role that has no exemption"
    told = f"; policies there: {'; '.join(kept[:6])}" if kept else "; no policy lets it see a row"
    why = f"row security hides rows of {', '.join(names)} from {who}{told}. The rows stand"
    if asked:
        why += f"; a session sees them that sets {', '.join(asked)}, which harms nobody"
    return way(
        "row_security",
        True,
        lost,
        why,
        "nothing is missing. The stopgap shows every row of the table to "
        f"{role or 'whoever may read it'}: where policies keep tenants apart, give sessions what the policy "
        "demands instead",
        "minutes",
        tuple(lines),
        tables=names,
        rows=standing,
        clock="none: the rows stay",
    )


def _reads(policy: dict) -> bool:
    return (policy["command"] or "ALL").upper() in ("ALL", "SELECT", "*", "R")


def _settings(policy: dict) -> list[str]:
    """Settings that the policy's expression reads, as app.tenant."""
    return list(dict.fromkeys(_SETTING.findall(policy["using"] or "")))


def _demanded(
    name: str, mine: Sequence[dict], others: Sequence[dict], columns: Sequence[str], role: str | None
) -> Iterator[str]:
    """What each policy asks of a session, with statements that try it and are rolled back; those of other roles."""
    for each in others:
        more = ", ".join(map(sql.quote_ident, (*each["roles"], role or "")))
        yield remarked(
            f"-- policy {sql.quote_ident(each['name'])} is for {', '.join(each['roles'])} alone; if {role} is to see "
            f"the same rows: ALTER POLICY {sql.quote_ident(each['name'])} ON {written(name)} TO {more}"
        )
    for each in mine:
        using, policy = str(each["using"] or "true"), sql.quote_ident(each["name"])
        said = remarked(" ".join(using.split()))
        shown = f"{said[:MOST_SHOWN]} …" if len(said) > MOST_SHOWN else said
        kind = "shows" if each["permissive"] is not False else "demands besides of"
        yield remarked(f"-- first what it demands: policy {policy} {kind} rows of {name} where {shown}")
        for setting in _settings(each):
            yield (
                f"-- the application sets it when it opens a session or a transaction: SET {setting} = '…'; where one "
                "value is right for all of them: ALTER ROLE … SET, which new sessions have"
            )
            if role is not None and (column := _compared(using, setting, columns)):
                yield from _tried(name, setting, column, role)
        if _WHO.search(using):
            yield "-- it hangs on the role of the session: see that the application logs in, or does SET ROLE"


def _compared(using: str, setting: str, columns: Sequence[str]) -> str | None:
    """The column that a setting is compared with, where the expression says it plainly."""
    found = re.search(_COLUMN.replace("{setting}", re.escape(setting)), using)
    column = found[1].strip('"').replace('""', '"') if found else None
    return column if column in columns else None


def _tried(name: str, setting: str, column: str, role: str) -> Iterator[str]:
    """How many rows the role sees once it sets a value that stands in the table."""
    mark, table = sql.quote_ident(column), written(name)
    yield "-- try it, as a superuser, with a value that stands in the table; nothing of it stays:"
    yield "BEGIN;"
    yield (
        f"SELECT set_config({literal(setting)}, (SELECT {mark}::text FROM {table} WHERE {mark} IS NOT NULL LIMIT 1), "  # noqa: S608
        "true);"
    )
    yield f"SET LOCAL ROLE {sql.quote_ident(role)};"
    yield f"SELECT count(*) FROM {table};"  # noqa: S608 quoted name
    yield "ROLLBACK;"


def _opened(name: str, relation: dict, mine: Sequence[dict], role: str | None) -> Iterator[str]:
    """A policy that shows the application every row, and how it is taken away again."""
    table, to = written(name), "PUBLIC" if role is None else sql.quote_ident(role)
    yield remarked(
        f"-- a stopgap: it shows {role or 'every role that may read the table'} every row of {name}, and lets nobody "
        f"write more; taken away by: DROP POLICY {STOPGAP} ON {table}"
    )
    for each in mine:
        if each["permissive"] is False:  # it holds beside any policy that shows more
            to_whom = ", ".join(
                "PUBLIC" if one == "public" else sql.quote_ident(one) for one in each["roles"] or ("public",)
            )
            yield remarked(
                f"-- made again by: CREATE POLICY {sql.quote_ident(each['name'])} ON {table} AS RESTRICTIVE FOR "
                f"{_command(each)} TO {to_whom} USING ({' '.join(str(each['using'] or 'true').split())})"
                + (f" WITH CHECK ({' '.join(str(each['with_check']).split())})" if each["with_check"] else "")
            )
            yield f"DROP POLICY {sql.quote_ident(each['name'])} ON {table};"
    yield f"CREATE POLICY {STOPGAP} ON {table} FOR SELECT TO {to} USING (true);"
    if relation["owner"] == role and relation["force_row_security"]:
        yield remarked(f"-- its owner is {role}: ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY frees it alone")


def _command(policy: dict) -> str:
    return "SELECT" if (policy["command"] or "").upper() in ("SELECT", "R") else "ALL"
