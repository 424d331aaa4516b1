"""Ways back where the rows still stand: take away what hides them, exactly and within bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.losses import Loss, literal, moment, relations_of, way, written
from triage_kit.analyse.policy_ways import row_security
from triage_kit.analyse.renamed_ways import rename_back
from triage_kit.analyse.sight import path_of
from triage_kit.analyse.target import Target

Evidence = Mapping[str, pd.DataFrame]
MARK = re.compile(
    r"(?i)(?:(?:is|has|was|soft)_?)?(deleted|removed|archived|disabled|hidden|trashed|inactive|active|enabled|visible|"
    r"cancelled|purged)(?:_?(?:at|on|by|date|time|ts|flag))?"
)
SHOWS = {"active", "enabled", "visible"}
TIMES = ("timestamp", "date")
ABSENT = ("blind", "filter")
_SET = re.compile(r'(?is)\bset\s+((?:"(?:[^"]|"")+"|[\w$]+))\s*=')
_NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[\w$]+))?'
_MADE = re.compile(
    rf"(?is)create\s+table\s+(?:if\s+not\s+exists\s+)?({_NAME})\s+partition\s+of\s+({_NAME})\s+"
    r"(for\s+values\s+.+?|default)\s*(?:;|$|\bpartition\s+by\b|\bwith\s*\(|\btablespace\b)"
)
_ATTACHED = re.compile(
    rf"(?is)alter\s+table\s+(?:only\s+)?({_NAME})\s+attach\s+partition\s+({_NAME})\s+"
    r"(for\s+values\s+.+?|default)\s*(?:;|$)"
)
_DETACHED = re.compile(
    rf"(?is)alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?({_NAME})\s+detach\s+partition\s+({_NAME})"
)
_BOUND = re.compile(
    r"(?is)(?:for\s+values\s+(?:in\s*\([^;]*\)|from\s*\([^;]*\)\s*to\s*\([^;]*\)|with\s*\([^;]*\))|default)\s*"
)
_PART = re.compile(r'"((?:[^"]|"")+)"|([\w$]+)')


def undo(lost: Loss, target: Target, evidence: Evidence, about: Context) -> list[dict]:
    """Every way back that needs no copy: each for the tables that it fits."""
    found = [
        _row_security(lost, evidence, about),
        _search_path(lost, evidence, about),
        *_soft_delete(lost, target, evidence),
        *_attach(lost, evidence),
        *rename_back(lost, evidence),
    ]
    return [each for each in found if each is not None]


def _standing(lost: Loss, names: Sequence[str]) -> int | None:
    counted = [
        lost.found[name].get("hidden_rows") or lost.found[name].get("actual_rows")
        for name in names
        if name in lost.found
    ]
    return sum(each for each in counted if each) if any(counted) else None


def _row_security(lost: Loss, evidence: Evidence, about: Context) -> dict | None:
    relations = relations_of(evidence)
    names = [name for name in lost.of("hidden") if relations.get(name, {}).get("row_security")]
    return row_security(lost, _standing(lost, names), evidence, about)


def _search_path(lost: Loss, evidence: Evidence, about: Context) -> dict | None:
    relations = relations_of(evidence)
    names = tuple(name for name in lost.of("hidden") if not relations.get(name, {}).get("row_security"))
    role, database = about.app_role, first(evidence["identity"]).get("database")
    if not names or role is None:
        return None
    path, where = path_of(evidence, role, database)
    wanted = list(dict.fromkeys(schemas.parts(name)[0] for name in names))
    front = [*wanted, *(schema for schema in path if schema not in wanted)]
    spelled = ", ".join('"$user"' if schema == role else sql.quote_ident(schema) for schema in front)
    inside = (
        f" IN DATABASE {sql.quote_ident(database)}" if database and (" in " in where or "DATABASE" in where) else ""
    )
    why = (
        f"the search_path of {role} is {', '.join(path)} ({where}): it does not find {', '.join(names)} first. "
        "The rows stand"
    )
    return way(
        "search_path",
        True,
        lost,
        why,
        "nothing is missing; rows that were written into the other tables meanwhile stay there",
        "minutes",
        (f"ALTER ROLE {sql.quote_ident(role)}{inside} SET search_path = {spelled};",),
        tables=names,
        rows=_standing(lost, names),
        clock="none: the rows stay; sessions that are open keep the old path until they connect again",
    )


def _soft_delete(lost: Loss, target: Target, evidence: Evidence) -> list[dict]:
    found = []
    relations = relations_of(evidence)
    for name in lost.of("update"):
        column = _mark(name, relations.get(name, {}), evidence)
        if column is None:
            why = (
                f"an UPDATE moved or marked the rows of {name}, and which value it overwrote is not known: the old "
                "versions are dead rows, or in WAL and backups"
            )
            found.append(
                way(
                    "undo_update",
                    None,
                    lost,
                    why,
                    "rows that were changed again since",
                    "hours",
                    tables=(name,),
                    rows=_standing(lost, (name,)),
                )
            )
            continue
        found.append(_unmark(lost, name, column, target, evidence))
    return found


def _mark(name: str, relation: dict, evidence: Evidence) -> dict | None:
    """The column that marks rows as deleted: the one that a statement was seen to set, else the only one so named."""
    own = [row for row in rows(evidence["columns"]) if row["table_oid"] == relation.get("oid") and not row["dropped"]]
    known = {row["name"].lower(): row for row in own if MARK.fullmatch(row["name"])}
    bare = schemas.parts(name)[1].lower()
    for text in [*evidence["log_events"]["statement"].dropna(), *evidence["statements"]["text"].dropna()]:
        if re.search(r"(?i)\bupdate\b", text) and bare in text.lower():
            for column in _SET.findall(text):
                if (told := column.strip('"').lower()) in known:
                    return known[told]
    timed = [row for row in known.values() if str(row["type"]).startswith(TIMES)]
    chosen = timed or list(known.values())
    return chosen[0] if len(chosen) == 1 else None


def _unmark(lost: Loss, name: str, column: dict, target: Target, evidence: Evidence) -> dict:
    table, mark, kind = written(name), sql.quote_ident(column["name"]), str(column["type"])
    word = MARK.fullmatch(column["name"])
    shows = bool(word) and word[1].lower() in SHOWS if word else False
    if kind.startswith(TIMES):
        value, marked = "NULL", f"{mark} IS NOT NULL"
    elif kind == "boolean":
        value, marked = ("true", f"NOT {mark}") if shows else ("false", mark)
    else:
        return way(
            "undo_update",
            None,
            lost,
            f"{name}.{column['name']} of type {kind} was overwritten; its old value is not known",
            "rows that were changed again since",
            "hours",
            tables=(name,),
        )
    bounds, by = _bounds(table, mark, kind, marked, target, lost)
    rows_of = _standing(lost, (name,))
    why = f"the rows of {name} stand and are marked by {column['name']}; the mark is taken away from those that {by}"
    lines = (
        f"SELECT xmin, {mark}, count(*) FROM {table} WHERE {marked} "  # noqa: S608 quoted names
        "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10;",
        "BEGIN;",
        f"UPDATE {table} SET {mark} = {value} WHERE {marked} AND {bounds};",  # noqa: S608
        "COMMIT;  -- or ROLLBACK; where UPDATE counts other rows than those that are missed",
    )
    return way(
        "undo_update",
        True,
        lost,
        why,
        "rows that were marked before, which stay marked, and rows that were changed "
        "again since; triggers on UPDATE fire",
        "minutes",
        lines,
        tables=(name,),
        rows=rows_of,
        target_xid=target.xid,
        clock="none: the rows stay; each further UPDATE of a row takes it out of the bound",
    )


def _bounds(table: str, mark: str, kind: str, marked: str, target: Target, lost: Loss) -> tuple[str, str]:
    """The rows that one transaction marked: by its id where it is known, else by the one that marked most."""
    if target.ended is not None:
        ids = ", ".join(literal(str(one)) for one in (target.xid, *target.ended["subxids"]))
        return f"xmin::text IN ({ids})", f"transaction {target.xid} wrote"
    most = (
        f"xmin::text = (SELECT xmin::text FROM {table} WHERE {marked} "  # noqa: S608 quoted names
        "GROUP BY 1 ORDER BY count(*) DESC LIMIT 1)"
    )
    if kind.startswith(TIMES) and lost.before is not None:
        since = lost.before - pd.Timedelta(days=1)
        return f"{mark} >= {literal(moment(since))} AND {most}", "the transaction that marked most of them wrote"
    return most, "the transaction that marked most of them wrote"


def _attach(lost: Loss, evidence: Evidence) -> list[dict]:
    found = []
    known = partitions_told(evidence)
    relations = relations_of(evidence)
    for name in lost.of("partition_drop"):
        if name not in relations:
            continue  # dropped: only a copy brings it back
        parent, bound, source = known.get(schemas.parts(name)[1], (None, None, ""))
        parent = parent or lost.found[name].get("via") or _sibling_parent(name, evidence)
        if parent and not schemas.parts(parent)[0]:
            parent = schemas.qualified(schemas.parts(name)[0], schemas.parts(parent)[1])
        feasible = True if parent and bound else None
        why = f"{name} was detached and stands with its rows" + (
            f"; its bounds are told by {source}"
            if bound
            else "; its bounds are told by no source: they follow from its neighbours and its rows"
        )
        line = (
            f"ALTER TABLE {written(parent) if parent else 'PARENT'} ATTACH PARTITION {written(name)} "
            f"{bound or 'FOR VALUES FROM (…) TO (…)'};"
        )
        found.append(
            way(
                "attach",
                feasible,
                lost,
                why,
                "nothing is missing; rows that were written meanwhile into a DEFAULT partition must be moved first",
                "minutes",
                (line if feasible else f"-- {line}",),
                tables=(name,),
                rows=_standing(lost, (name,)),
                clock="a retention job may drop the detached table: stop it",
            )
        )
    return found


def partitions_told(evidence: Evidence) -> dict[str, tuple[str, str, str]]:
    """Parent, bounds and source of each partition, by bare name, from every text that made or attached one."""
    texts = [
        (row["statement"] or row["message"] or "", f"{row['file']}:{row['line']}")
        for row in rows(evidence["log_events"], "statement", "message", "file", "line")
    ]
    texts += [(row["text"] or "", "pg_stat_statements") for row in rows(evidence["statements"])]
    texts += [(row["text"] or "", f"{row['path']}:{row['line']}") for row in rows(evidence["migration_operations"])]
    found: dict[str, tuple[str, str, str]] = {}
    detached: dict[str, str] = {}
    for text, source in texts:
        if "artition" not in text and "ARTITION" not in text:
            continue
        told = [(part, parent, bound) for part, parent, bound in _MADE.findall(text)]
        told += [(part, parent, bound) for parent, part, bound in _ATTACHED.findall(text)]
        for part, parent, bound in told:
            if "$" not in bound and _BOUND.fullmatch(bound):
                found[_bare(part)] = (_qualified(parent), " ".join(bound.split()), source)
        for parent, part in _DETACHED.findall(text):
            detached[_bare(part)] = _qualified(parent)
    for part, parent in detached.items():
        if part not in found:
            found[part] = (parent, "", "")
    return found


def _bare(name: str) -> str:
    parts = [quoted.replace('""', '"') if quoted else plain.lower() for quoted, plain in _PART.findall(name)]
    return parts[-1]


def _qualified(name: str) -> str:
    parts = [quoted.replace('""', '"') if quoted else plain.lower() for quoted, plain in _PART.findall(name)]
    return schemas.qualified(parts[-2], parts[-1]) if len(parts) > 1 else schemas.qualified("", parts[-1]).lstrip(".")


def _sibling_parent(name: str, evidence: Evidence) -> str | None:
    """The only partitioned table of the schema whose name begins the partition's name."""
    schema, bare = schemas.parts(name)
    fits = [
        each
        for each, row in relations_of(evidence).items()
        if row["kind"] == "partitioned" and row["schema"] == schema and bare.startswith(row["name"])
    ]
    return fits[0] if len(fits) == 1 else None
