"""An earlier bundle of the same database, kept small beside the new one: what stood there then is no longer a guess."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.bundle import Bundle, Draft
from triage_kit.case import Case
from triage_kit.collect import named_files
from triage_kit.errors import BundleError, SourceError

COSTS = "what has changed since the earlier bundle"
EARLIER = re.compile(r"evidence-(\d+)")
TABLES = ("table", "partitioned", "materialized_view", "foreign_table")


def read_earlier(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Keep of the bundle that ``baseline:`` names, else of the one that ``--again``
    replaces, what a comparison needs.

    A bundle of another database is refused: its tables would all seem to be gone. One of another data directory is
    kept, since that is a finding.
    """
    found = _place(case)
    if found is None:
        return
    source, named = found
    try:
        rows = _keep(draft, source, shown=case.baseline if named else _future_name(source))
        answer: dict = {"status": "answered", "rows": rows, "reason": None}
    except (BundleError, SourceError, OSError) as error:
        answer = {"status": "failed", "rows": None, "reason": f"{named_files.shown(str(source))}: {error}"}
    draft.answer(source="baseline", named=named, costs=COSTS, **answer)
    notify("question", source="baseline", done=1, total=1, **answer)


def _place(case: Case) -> tuple[Path, bool] | None:
    """The earlier bundle's folder, and whether the case names it."""
    if case.baseline:
        there = cases.resolve(case, case.baseline)
        return (max(there) if there else case.folder / case.baseline), True
    sealed = case.folder / "evidence"
    return (sealed, False) if sealed.is_dir() else None  # of `collect --again`: it is moved away at the very end


def _future_name(folder: Path) -> str:
    """What the sealed bundle will be called once the new one takes its place."""
    numbers = [int(found[1]) for path in folder.parent.iterdir() if (found := EARLIER.fullmatch(path.name))]
    return f"evidence-{max(numbers, default=0) + 1}"


def _keep(draft: Draft, folder: Path, shown: str | None) -> int:
    earlier = Bundle.open(folder)
    if not len(earlier.table("relations")):
        raise SourceError("it holds no catalogue: write one with `triage baseline --url URL OUT`")
    identity, now = earlier.table("identity"), draft.written("identity")
    then, today = _only(identity, "database"), _only(now, "database")
    if then is not None and today is not None and then != today:
        raise SourceError(f"it is a bundle of the database {then!r}, and this one is of {today!r}")
    draft.write("baseline", schemas.frame("baseline", [_about(earlier, identity, shown)]))
    tables = schemas.frame("baseline_tables", _tables(earlier))
    draft.write("baseline_tables", tables)
    return len(tables)


def _only(frame: pd.DataFrame, column: str) -> object:
    values = frame[column].dropna()
    return values.iloc[0] if len(values) else None


def _about(earlier: Bundle, identity: pd.DataFrame, shown: str | None) -> dict:
    keys = ("version_num", "system_identifier", "database", "database_oid", "next_xid", "in_recovery", "lsn")
    return {
        "source": named_files.shown(shown or "baseline"),
        "collected_at": _only(earlier.table("collection"), "collected_at"),
        "counters_reset_at": _only(earlier.table("cluster_counters"), "bgwriter_reset"),
        **{key: _only(identity, key) for key in keys},
    }


def _tables(earlier: Bundle) -> list[dict]:
    relations = earlier.table("relations")
    relations = relations[relations["kind"].isin(TABLES)]
    names = {row.oid: schemas.qualified(row.schema, row.name) for row in relations.itertuples()}
    joined = (
        relations.rename(columns={"name": "table"})
        .merge(_by_oid(earlier, "table_counters", ("inserts", "updates", "deletes", "live", "dead")), "left", "oid")
        .merge(_by_oid(earlier, "row_counts", ("rows",)), "left", "oid")
        .merge(_by_oid(earlier, "storage", ("heap_bytes",)), "left", "oid")
    )
    columns = earlier.table("columns")
    columns = columns[~columns["dropped"].fillna(False)].sort_values(["table_oid", "position"])
    named: dict[int, list[str]] = {}
    for row in columns.itertuples():
        named.setdefault(row.table_oid, []).append(f"{row.position} {row.name}")
    sequences = earlier.table("sequences").dropna(subset=["table_oid", "last_value"])
    last = sequences.groupby("table_oid")["last_value"].max().to_dict()
    wanted = [column.name for column in schemas.get("baseline_tables").columns if column.name in joined]
    return [
        {
            **{key: row[key] for key in wanted},
            "parent": names.get(row["parent_oid"]) if row["is_partition"] is True else None,
            "sequence": last.get(row["oid"]),
            "columns": tuple(named.get(row["oid"], ())),
        }
        for row in joined.astype(object).to_dict("records")
    ]


def _by_oid(earlier: Bundle, table: str, columns: tuple[str, ...]) -> pd.DataFrame:
    return earlier.table(table)[["oid", *columns]].drop_duplicates("oid")
