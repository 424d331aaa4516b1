"""The way back through a dump: restored into a database beside, and the lost rows copied from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit.analyse import commands
from triage_kit.analyse.losses import Loss, way
from triage_kit.analyse.shelf import Judged

Evidence = Mapping[str, pd.DataFrame]


def backup(lost: Loss, shelf: Sequence[Judged], evidence: Evidence) -> dict:
    """A dump restored into a database beside, and the lost rows copied from there."""
    dumps = [each for each in shelf if not each.base]
    clock = "retention of the dumps"
    if not dumps:
        named = len(evidence["backups"]) > 0
        why = "a dump or snapshot taken before the loss brings back what it holds; " + (
            "the case names backups, but no dump" if named else "none is listed in the case"
        )
        if lost.before is not None:
            why += f"; it must be older than {lost.before:%Y-%m-%d %H:%M:%S} UTC"
        older = "" if lost.before is None else f", older than {lost.before:%Y-%m-%d %H:%M:%S} UTC"
        lines = (
            f"# for DUMP put the file or folder that pg_dump wrote{older}; one of SQL text is read by psql:",
            "pg_restore --list DUMP  # which tables it holds, without restoring",
            "createdb recovered && pg_restore --dbname=recovered DUMP  # beside, never over",
        )
        return way("backup", None, lost, why, "rows written after the dump was taken", "hours", lines, clock=clock)
    best = dumps[0]
    told = [f"{each.row['file']}: {each.says}" for each in dumps]
    why = told[0] + (
        f"; restoring takes about {best.minutes:g} minutes" if best.usable is not False and best.minutes else ""
    )
    others = told[1:4] if best.usable is not False else told[1:]
    why += "".join(f". Also {one}" for one in others[:6])
    if best.usable is False:
        return way("backup", False, lost, why, "everything", "none", clock=clock, rows=0)
    lacking = _lacking(lost, best)
    not_back = "rows written after the dump was taken, and changes made to older ones" + (
        f"; {lacking}" if lacking else ""
    )
    effort = "hours" if not best.minutes or best.minutes > 30 else "under an hour"
    return way(
        "backup",
        best.usable,
        lost,
        why,
        not_back,
        effort,
        _from_dump(lost, best, evidence),
        clock=clock,
        rows=brought(lost, best),
        tables=tuple(best.holds),
    )


def brought(lost: Loss, best: Judged) -> int | None:
    """Rows that a dump brings: what it holds of each table, and no more than is missing there."""
    counted = []
    for name, held in best.holds.items():
        missing = lost.missing.get(name)
        counted.append(held if missing is None or held is None else min(held, missing))
    return None if not counted or None in counted else sum(each for each in counted if each is not None)


def _lacking(lost: Loss, best: Judged) -> str:
    short = [f"{name} (all)" for name in lost.tables if name not in best.holds and lost.missing.get(name)]
    for name, held in best.holds.items():
        missing = lost.missing.get(name)
        if missing is not None and held is not None and held < missing:
            short.append(f"{name} ({missing - held} rows)")
    return "not in it: " + ", ".join(short[:8]) if short else ""


def _from_dump(lost: Loss, best: Judged, evidence: Evidence) -> tuple[str, ...]:
    row, beside = best.row, "triage_recovered"
    path = commands.place(row["file"])
    unpack = {"gzip": "gzip -dc", "zstd": "zstd -dc", "lz4": "lz4 -dc"}.get(row["packing"] or "", "cat")
    if row["format"] == "plain":
        made = f"{unpack} {path} | psql -X --quiet --dbname={beside} > /dev/null"
    else:
        # Roles and privileges of the old database need not exist here; indexes and constraints are not needed.
        made = (
            f"pg_restore --no-owner --no-privileges --section=pre-data --section=data --file=- {path} | "
            f"psql -X --quiet --dbname={beside} > /dev/null  # complaints about what exists already do not matter"
        )
    tables = [name for name in lost.tables if name in best.holds]
    return (
        *commands.case_folder(row["file"]),
        f"createdb {beside}",
        made,
        *commands.bring_back(lost, evidence, f"--dbname={beside}", tables),
        f"dropdb {beside}  # when the rows are back and compared",
    )
