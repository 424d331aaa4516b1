"""Tables that are gone altogether, and partitioned parents that carry the sum of their leaves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import foreign_keys as fk
from triage_kit.analyse import knowledge
from triage_kit.analyse.applied import applied_revisions
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.dropped import Drop
from triage_kit.analyse.earlier import rows_then
from triage_kit.analyse.holes import lacking
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.lineage import counted_elsewhere
from triage_kit.analyse.mechanisms import Weighed
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.setting import reported_names
from triage_kit.analyse.statements import created_by
from triage_kit.analyse.statuses import EVEN
from triage_kit.analyse.undo_ways import partitions_told

_ABSENT = re.compile(r'"([^"\n]+)" does not exist')
EXPECTATIONS = ("expected_rows", "expected_low", "expected_high")
SUMMED = ("inserts", "updates", "deletes", *EXPECTATIONS, "actual_rows", "missing_rows")
UNKNOWABLE = ("oid", *SUMMED, "expected_from", "actual_from", "old_rows_left")
STANDING = ("inserts", "updates", "deletes", "actual_rows")  # of a missing leaf nothing is counted any more
GONE = {"drop": 0.80, "recreate": 0.02, "new_cluster": 0.03, "partition_drop": 0.01, "hidden": 0.02, "unknown": 0.12}
DROP_SEEN = {
    "drop": 0.96,
    "unknown": 0.02,
    "recreate": 0.005,
    "new_cluster": 0.005,
    "partition_drop": 0.005,
    "hidden": 0.005,
}
RENAMED = {"hidden": 0.94, "recreate": 0.02, "drop": 0.01, "unknown": 0.03}
# Judgement: people miss rows of a partitioned table of which every partition stands whole. What stood in it went with a
# partition that is there no more, most often by retention, or they are mistaken, or something else hides the rows.
PARTED = {"partition_drop": 0.50, "none": 0.25, "hidden": 0.08, "update": 0.02, "unknown": 0.15}
# The same where the database counts rows of tables that are gone, and where it counts none.
PARTED_GONE = {"partition_drop": 0.74, "none": 0.11, "hidden": 0.04, "update": 0.01, "unknown": 0.10}
PARTED_WHOLE = {"partition_drop": 0.26, "none": 0.44, "hidden": 0.12, "update": 0.03, "unknown": 0.15}
MANY = 5000  # judgement: rows that statements on tables of its own insert; making a table inserts some eighty elsewhere
# Judgement: the application's role owns tables here that are in use, so this is its database; a name may be mistaken.
LIKELY = {"drop": 0.66, "hidden": 0.05, "recreate": 0.01, "new_cluster": 0.03, "partition_drop": 0.01, "unknown": 0.24}
UNSEEN = {"unknown": 0.70, "hidden": 0.10, "drop": 0.15, "new_cluster": 0.05}


def missing_findings(evidence: Mapping[str, pd.DataFrame], names: set[str], scene: Scene, ledger: Ledger) -> list[dict]:
    """Findings for tables that the case or an applied migration names and the catalogue lacks.

    pg_class shows every role every table, so what is not there is gone; but where none of the reported tables exists
    and nothing else speaks of them, the database may be the wrong one and they are ``undecided``.
    """
    if not len(evidence["relations"]) and not len(evidence["identity"]):
        return []
    every = {schemas.qualified(row["schema"], row["name"]): row for row in rows(evidence["relations"])}
    elsewhere, stems = _wrong_place(evidence, every), fk.partition_stems(evidence["relations"])
    unread = _unread_schemas(evidence)
    found = []
    for name, source in _named(evidence, every, scene):
        chances: Mapping[str, float] = {}
        blind = (elsewhere and source == "case.yaml") or not len(evidence["identity"])
        says = f"{name} is named by {source} and is not in the catalogue"
        if not len(evidence["identity"]):
            says = f"{name} is named by {source}; the files of this case do not name it, and no catalogue was asked"
        elif schemas.parts(name)[0] in unread:
            blind = True
            says = f"{name} is named by {source}; its schema is there, but not among those that the case looks at"
        elif blind and _at_home(scene, every):
            blind, chances = False, LIKELY
            says += f", where {scene.about.app_role}, the application's role, owns tables that are in use"
        elif blind:
            says += ", nor is any other table that people name: this may be the wrong database"
        reference = ledger.add("catalogue", says, "pg_class", name)
        then = scene.earlier.tables.get(name) if scene.earlier else None
        parent = None if blind else ((then or {}).get("parent") or _partition_of(name, stems))
        chances = UNSEEN if blind else chances or _chances(name, scene, parent)
        status = "undecided" if blind else "missing"
        more: dict = {}
        if then is not None and not blind:
            status, chances, more = _of_then(then, every, scene, chances)
        elif source == "case.yaml" and (other := renamed(name, evidence, every)) is not None:
            status, chances = "hidden", RENAMED
            count = (scene.balances.get(other) or {}).get("actual_rows") or 0
            more = {"hidden_rows": count, "bias": (f"its index is one of {other} now: it was renamed or moved there",)}
        found.append(
            {**_absent(name, status, chances, reference), "reported": name in scene.reported, "_parent": parent, **more}
        )
    return found


def renamed(name: str, evidence: Mapping[str, pd.DataFrame], every: Mapping[str, dict]) -> str | None:
    """The table that a missing one is called now: its primary key or sequence still bears the old name.

    Measured on 13 to 18: RENAME and SET SCHEMA leave the names of indexes; SET SCHEMA takes them along.
    """
    schema, table = schemas.parts(name)
    marks = {f"{table}_pkey", f"{table}_id_seq", f"{table}_pk"}
    owners = {row["table_oid"] for row in rows(evidence["indexes"]) if row["name"] in marks}
    owners |= {row["table_oid"] for row in rows(evidence["sequences"]) if row["name"] in marks}
    found = [other for other, row in every.items() if row["oid"] in owners and row["name"] != table
             and (not schema or row["schema"] == schema)]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _at_home(scene: Scene, every: Mapping[str, dict]) -> bool:
    """Whether the application's role owns several tables of this database that hold rows."""
    role = scene.about.app_role
    own = [name for name, row in every.items() if role is not None and row["owner"] == role]
    return sum(bool((scene.balances.get(name) or {}).get("inserts")) for name in own) > 1


def _unread_schemas(evidence: Mapping[str, pd.DataFrame]) -> set[str]:
    """Schemas of the database whose tables were not asked for: that these do not show means nothing."""
    scope = first(evidence["collection"]).get("schemas")
    return set() if scope is None else set(evidence["namespaces"]["name"]) - set(scope)


def _of_then(
    then: dict, every: Mapping[str, dict], scene: Scene, chances: Mapping[str, float]
) -> tuple[str, Mapping[str, float], dict]:
    """Status, chances and rows of a table that an earlier bundle has: gone, or standing under another name."""
    stood = rows_then(then)
    more = {"expected_rows": stood, "expected_low": stood, "expected_from": "baseline", "kind": then["kind"] or "table"}
    same = not (scene.earlier and scene.earlier.other_cluster)
    renamed = [name for name, row in every.items() if same and row["oid"] == then["oid"]]
    if renamed:
        rows_now = (scene.balances.get(renamed[0]) or {}).get("actual_rows")
        return "hidden", RENAMED, {**more, "hidden_rows": rows_now or 0, "bias": (f"it is called {renamed[0]} now",)}
    if not same:
        return "missing", {**GONE, "drop": 0.03, "new_cluster": 0.80}, more
    return "missing", chances, more


def _absent(name: str, status: str, chances: Mapping[str, float], reference: str) -> dict:
    """A row of findings for a table that cannot be looked at: everything that would need it is missing."""
    schema, table = schemas.parts(name)
    mechanism = max(chances, key=lambda word: chances[word])
    return {
        **dict.fromkeys(UNKNOWABLE),
        "schema": schema,
        "table": table,
        "kind": "table",
        "status": status,
        "status_probability": round(1 - chances["unknown"], 6),
        "mechanism": mechanism,
        "probability": chances[mechanism],
        "hidden_rows": 0,
        "because": (reference,),
        "columns_lost": (),
        "bias": (),
        "_chances": chances,
    }


def _wrong_place(evidence: Mapping[str, pd.DataFrame], every: Mapping[str, dict]) -> bool:
    reported = reported_names(evidence["reported"], list(every))
    return bool(reported) and not any(name in every for name in reported) and not _known_here(evidence, every, reported)


def _known_here(evidence: Mapping[str, pd.DataFrame], every: Mapping[str, dict], names: list[str]) -> bool:
    """Whether this database is the one that people mean, although none of the tables that they name is in it.

    It is when they name a schema of its own that has tables here, when a statement of this database names such a table,
    or when its WAL drops a file that no table has now.
    """
    stems = fk.partition_stems(evidence["relations"])
    if any(_partition_of(schemas.qualified(*place), stems) for name in names for place in _places(name, every)):
        return True
    if {schemas.parts(name)[0] for name in names} & ({schemas.parts(name)[0] for name in every} - {"public"}):
        return True
    short = [re.escape(schemas.parts(name)[1]) for name in names]
    pattern = rf"(?i)\b(?:{'|'.join(short)})\b"
    database = set(evidence["identity"]["database"].dropna())
    events, entries = evidence["log_events"], evidence["statements"]
    seen = (
        entries.loc[entries["database"].isin(database), "text"],
        events.loc[events["database"].isin(database), "statement"],
    )
    if any(each.str.contains(pattern, regex=True).fillna(False).any() for each in seen):
        return True
    if counted_elsewhere(evidence) > MANY:
        return True
    operations = evidence["migration_operations"]
    made = set(operations.loc[operations["operation"] == "create_table", "object"].dropna())
    names_here = {schemas.parts(name)[1] for name in every}
    if {schemas.parts(each)[1] for each in made} & names_here and any(re.search(pattern, each) for each in made):
        return True
    oids = {row["oid"] for row in every.values()}
    changes = evidence["wal_changes"]
    here = changes["database_oid"].isin(evidence["identity"]["database_oid"])
    gone = changes[here & (changes["operation"] == "removed")]
    created = set(changes.loc[here & (changes["operation"] == "created"), "xid"])
    return any(row["xid"] not in created and row["table_oid"] not in oids for row in rows(gone))


def _places(name: str, every: Mapping[str, dict]) -> list[tuple[str, str]]:
    """Where a reported name may have stood: in its schema, else in any that has tables."""
    schema, table = schemas.parts(name)
    return [(schema, table)] if schema else [(each, table) for each in {schemas.parts(name)[0] for name in every}]


def _named(evidence: Mapping[str, pd.DataFrame], every: Mapping[str, dict], scene: Scene) -> list[tuple[str, str]]:
    """Names that should be there, with who says so."""
    scope = [row["schema"] for row in every.values()]
    usual = max(sorted(set(scope)), key=scope.count, default="public")
    named = reported_names(evidence["reported"], list(every))
    called = {name if schemas.parts(name)[0] else schemas.qualified(usual, name): "case.yaml" for name in named}
    run = applied_revisions(evidence["migrations"], evidence["version_tables"])
    forward = [row for row in rows(evidence["migration_operations"]) if row["direction"] != "down"]
    # Whatever the version table says, a file that makes a table which people miss rows of, or which stands, has run.
    unread = not len(evidence["version_tables"])
    known = {*called, *every} if unread else set(called)
    ran = {row["path"] for row in forward if row["operation"] == "create_table" and row["object"] in known}
    up = [row for row in forward if row["revision"] in run or row["path"] in ran]
    made = {row["object"]: f"{row['path']}:{row['line']}" for row in up if row["operation"] == "create_table"}
    made |= {row["renamed"]: f"{row['path']}:{row['line']}" for row in up if row["renamed"]}
    # Of a later file that drops it again nothing tells whether it ran.
    undone = {
        row["object"] for row in (forward if unread else up) if row["operation"] in ("drop_table", "rename_table")
    }
    schemas_seen = {row["schema"] for row in every.values()} | set(evidence["namespaces"]["name"])
    dropped = _dropped_schemas(scene)
    schemas_seen |= (dropped | {schemas.parts(name)[0] for name in named}) - {""}
    schemas_seen -= _unread_schemas(evidence)
    made_by = created_by(evidence)
    before = scene.earlier
    for name in before.tables if before is not None else ():
        if schemas.parts(name)[0] in schemas_seen or not scope:
            called.setdefault(name, f"the earlier bundle ({before.source})" if before else "")
    for name, effects in scene.seen.items():
        gone = [seen for seen in effects if seen.operation == "drop_table" and seen.outcome in ("committed", "unknown")]
        if gone and not gone[-1].hands & made_by.get(name, set()) and schemas.parts(name)[0] in schemas_seen:
            called.setdefault(name, gone[0].where)
    for name in made_by:  # what the log saw made in a schema that it saw dropped
        if schemas.parts(name)[0] in dropped and name not in every:
            called.setdefault(name, "the log, which saw it made and its schema dropped")
    for name, one in _dropped_in_wal(scene, set(called) - set(every)).items():
        if schemas.parts(name)[0] in schemas_seen:
            called.setdefault(name, f"the WAL, in which transaction {one.xid} dropped it")
    for name, where in _partitions_gone(evidence, every, scene):
        if not renamed(name, evidence, every):
            called.setdefault(name, where)
    there = {schemas.parts(name)[1] for name in every}
    for written, where in made.items():
        schema, short = schemas.parts(written or "")
        if not schema and short not in there:  # a migration that leaves the schema to the search_path
            schema = usual
        name = schemas.qualified(schema, short)
        if short and not {written, name, short} & undone and schema in schemas_seen:
            called.setdefault(name, where)
    copied = {former for names in scene.copied.values() for former in names}  # the rows of these stand elsewhere
    absent = [name for name in called if name not in every and "." in name and name not in copied]
    return sorted((name, called[name]) for name in absent)


def _dropped_in_wal(scene: Scene, missed: set[str]) -> dict[str, Drop]:
    """Tables whose drop the WAL shows and which are no passing ones, by name.

    What it shows made as well comes and goes with somebody's work, unless the same transaction dropped a table that is
    missed; a partition goes with its parent's retention.
    """
    last = {name: told[-1] for name, told in scene.wal.drops.items()}
    took = {one.xid for name, one in last.items() if name in missed}
    return {name: one for name, one in last.items() if one.xid in took or not (one.made or one.partition)}


def _partitions_gone(
    evidence: Mapping[str, pd.DataFrame], every: Mapping[str, dict], scene: Scene
) -> Iterator[tuple[str, str]]:
    """Partitions of tables that people miss rows of, which are known to have stood, or lack between two others.

    What drops a partition by a name that it puts together leaves no DROP in the log. Where nobody misses rows, one that
    went is taken for the retention's ordinary work.
    """
    yield from _asked_in_vain(evidence["log_events"], every, scene)
    yield from _once_made(evidence, scene)
    for name, parent in lacking(evidence["relations"]).items():
        if parent in scene.reported:
            yield name, f"the bounds of {parent}, which leave its place open between two others"


def _asked_in_vain(events: pd.DataFrame, every: Mapping[str, dict], scene: Scene) -> Iterator[tuple[str, str]]:
    """Partitions that a statement asked for and did not find, below a partitioned table that people miss rows of.

    One that is named like its siblings, and after none of them, is taken for one that was there.
    """
    parents = {row["oid"]: name for name, row in every.items() if row["kind"] == "partitioned"}
    alike: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for name, row in every.items():
        if parents.get(row["parent_oid"]) in scene.reported:
            alike[schemas.parts(name)[0], _shape(row["name"])].add(row["name"])
    for row in rows(events[events["subject"] == "undefined_table"]) if alike else ():
        told = _ABSENT.search(row["message"] or "")
        schema, table = schemas.parts(told[1]) if told else ("", "")
        siblings = alike.get((schema, _shape(table)), set())
        if len(siblings) > 1 and table <= max(siblings):
            yield schemas.qualified(schema, table), f"{row['file']}:{row['line']}, where a statement did not find it"


def _once_made(evidence: Mapping[str, pd.DataFrame], scene: Scene) -> Iterator[tuple[str, str]]:
    """Partitions that a statement was seen to make or attach, below a partitioned table that people miss rows of."""
    for bare, (parent, bound, source) in partitions_told(evidence).items():
        for name in scene.reported if bound else ():
            if parent in (name, schemas.parts(name)[1]):
                yield schemas.qualified(schemas.parts(name)[0], bare), f"{source}, which made it"


def _shape(name: str) -> str:
    return re.sub(r"\d", "9", name)


def _dropped_schemas(scene: Scene) -> set[str]:
    """Schemas whose DROP was seen and which hold no table now."""
    standing = {schemas.parts(name)[0] for name in scene.balances}
    return {name for name, effects in scene.seen.items() if name not in standing
            and any(seen.operation == "drop_schema" and seen.done for seen in effects)}  # fmt: skip


def _chances(name: str, scene: Scene, parent: str | None) -> dict[str, float]:
    """Chances of a table that is not in the catalogue; a DROP that the log or the WAL shows leaves little doubt."""
    seen = scene.effects_on(name)
    dropped = name in scene.wal.drops or any(
        each.operation in ("drop_table", "drop_schema") and each.outcome not in ("failed", "rolled_back")
        for each in seen
    )
    chances = {**GONE, **DROP_SEEN} if dropped else dict(GONE)
    if parent is not None:
        chances["drop"], chances["partition_drop"] = chances["partition_drop"], chances["drop"]
    return chances


def _partition_of(name: str, stems: Mapping[tuple[str, str], set[str]]) -> str | None:
    """The partitioned table that a missing one hung below, judged by the names of the partitions still there."""
    schema, table = schemas.parts(name)
    stem = table.rstrip("0123456789")
    alike = stems.get((schema, stem), set())
    return next(iter(alike)) if len(alike) == 1 and stem != table else None


def probabilities(weighed: Sequence[Weighed], concluded: Sequence[dict]) -> pd.DataFrame:
    """Table ``mechanism_probabilities`` for every table of the findings, absent ones and parents too."""
    told = {each.table.name: each.probabilities for each in weighed}
    found = []
    for row in sorted(concluded, key=lambda row: (row["schema"], row["table"])):
        chances = told.get(schemas.qualified(row["schema"], row["table"]), row.get("_chances") or {})
        for word in knowledge.MECHANISMS:
            found.append(
                {
                    "schema": row["schema"],
                    "table": row["table"],
                    "mechanism": word,
                    "probability": round(chances.get(word, 0.0), 6),
                }
            )
    return schemas.frame("mechanism_probabilities", found)


def with_parents(
    concluded: list[dict],
    balance: pd.DataFrame,
    reported: frozenset[str] = frozenset(),
    gone: Observation | None = None,
) -> list[dict]:
    """Add partitioned parents (the sum of their leaves) and foreign tables, which hold no rows themselves."""
    tables = rows(balance)
    parent_of = {schemas.qualified(row["schema"], row["table"]): row["parent"] for row in tables}
    leaves: defaultdict[str, list[dict]] = defaultdict(list)
    for each in concluded:
        name = schemas.qualified(each["schema"], each["table"])
        parent = parent_of.get(name) or each.get("_parent")
        while parent is not None and each not in leaves[parent]:
            leaves[parent].append(each)
            parent = parent_of.get(parent)
    found = list(concluded)
    for row in tables:
        if row["kind"] == "partitioned":
            name = schemas.qualified(row["schema"], row["table"])
            found.append(_parent(row, leaves[name], name in reported, gone))
        elif row["kind"] == "foreign_table":
            found.append(_foreign(row))
    return found


def _parent(row: dict, leaves: Sequence[dict], missed: bool = False, gone: Observation | None = None) -> dict:
    if not leaves:
        absent = _absent(schemas.qualified(row["schema"], row["table"]), "undecided", {"unknown": 1.0}, "")
        told = {"oid": row["oid"], "kind": "partitioned", "because": (), "reported": False, "group": None}
        return {**absent, **told, "bias": ("it has no partition, so no rows",)}
    standing = [leaf for leaf in leaves if leaf["status"] != "missing"]
    sums = {key: _sum([leaf[key] for leaf in (standing if key in STANDING else leaves)]) for key in SUMMED}
    words = {leaf["status"] for leaf in leaves}
    damaged = words & {"partial", "wiped", "missing"}
    status = (
        "wiped" if words == {"wiped"} else "partial" if damaged else "undecided" if "undecided" in words else "intact"
    )
    worst = max(leaves, key=lambda leaf: (leaf["status"] != "intact", leaf["mechanism"] != "none", leaf["probability"]),
                default=None)  # fmt: skip
    chances = (worst.get("_chances") or {worst["mechanism"]: 1.0}) if worst else {"none": 1.0}
    sure = min((leaf["status_probability"] for leaf in leaves), default=1.0)
    mechanism, probability = (worst["mechanism"], worst["probability"]) if worst else ("none", 1.0)
    doubt = {}
    if missed and words == {"intact"} and mechanism == "none":
        # What a leaf of another parent may have lost is in its own row; here the sum of whole leaves is doubted.
        told = gone.outcomes if gone is not None else ()
        chances = {("unaccounted",): PARTED_GONE, ("accounted",): PARTED_WHOLE}.get(told, PARTED)
        mechanism = max(chances, key=lambda word: chances[word])
        status = "partial" if chances["partition_drop"] > EVEN else "undecided"
        sure = chances["partition_drop"] if status == "partial" else 1 - chances["none"]
        probability, doubt = chances[mechanism], {"_intact": chances["none"]}
    return {
        **{key: row[key] for key in ("oid", "schema", "table", "kind", "actual_from", "bias")},
        **sums,
        "status": status,
        "status_probability": sure,
        "expected_from": "sum of its partitions",
        "old_rows_left": None,
        "hidden_rows": 0,
        "columns_lost": (),
        "mechanism": mechanism,
        "probability": probability,
        "reported": missed or any(leaf["reported"] for leaf in leaves),
        "because": tuple(dict.fromkeys(ref for leaf in leaves for ref in leaf["because"])),
        "group": worst.get("group") if worst else None,
        "xid": worst.get("xid") if worst else None,
        "_chances": chances,
        **doubt,
    }


def _sum(values: list[int | None]) -> int | None:
    return (
        None
        if not values or any(value is None for value in values)
        else sum(value for value in values if value is not None)
    )


def _foreign(row: dict) -> dict:
    """A foreign table holds no rows here, and the kit never asks the server behind it."""
    known = {key: row[key] for key in ("oid", "actual_rows", "actual_from", "bias")}
    name = schemas.qualified(row["schema"], row["table"])
    absent = _absent(name, "undecided", {"unknown": 1.0}, "")
    return {
        **absent,
        **known,
        "schema": row["schema"],
        "table": row["table"],
        "kind": "foreign_table",
        "status_probability": 1.0,
        "because": (),
        "reported": False,
        "group": None,
    }


def findings_frame(concluded: Sequence[dict]) -> pd.DataFrame:
    """Table ``findings`` by schema and name."""
    kept = [{key: value for key, value in row.items() if not key.startswith("_")} for row in concluded]
    return schemas.frame("findings", sorted(kept, key=lambda row: (row["schema"], row["table"])))
