"""The way back through a dump: restored into a database beside, and the lost rows copied from there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit.analyse import commands, merging
from triage_kit.analyse.context import first
from triage_kit.analyse.losses import Loss, way
from triage_kit.analyse.shelf import Judged
from triage_kit.analyse.waiting import Share, share

# A dump of pg_dumpall, or of pg_dump --create, drops and makes databases by name and connects to them: psql takes it
# into the damaged database, whatever --dbname says. Of it only what follows \connect to the wanted one is let by.
_ONLY = (
    r"""awk -v db={name} '/^\\connect /{{n = $NF; gsub(/["\047]/, "", n); sub(/^dbname=/, "", n); on = n == db; """
    "next}} on && !/^(ALTER|CREATE|DROP) DATABASE /'"
)
BY_HAND = (
    "# this dump connects to databases by names that no filter is sure of: take what follows \\connect to the right "
    "one out by hand, and never give the whole file to psql, which would go on in the damaged database"
)
COPY = "triage_recovered"
NOT_BACK = "rows written after the dump was taken, and changes made to older ones"
DROPPED = f"dropdb {COPY}  # when the rows are back and compared"
_PLAIN_NAME = re.compile(r"[\w.-]+")
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
        if restored := lost.of("restore"):
            why += (
                f"; for {merging.few(restored)} newer than the one that was restored, whose rows are those that stand"
            )
        lines = _from_any(lost, evidence)
        return way("backup", None, lost, why, "rows written after the dump was taken", "hours", lines, clock=clock)
    best = dumps[0]
    told = [f"{each.row['file']}: {each.says}" for each in dumps]
    why = told[0] + (
        f"; restoring takes about {best.minutes:g} minutes" if best.usable is not False and best.minutes else ""
    )
    others = told[1:4] if best.usable is not False else told[1:]
    why += "".join(f". Also {one}" for one in others[:6])
    if best.usable is False and any(each.restored for each in dumps):
        why += ". Ask for a newer one" + (
            "" if lost.before is None else f", older than {lost.before:%Y-%m-%d %H:%M:%S} UTC"
        )
        return way("backup", None, lost, why, NOT_BACK, "hours", _from_any(lost, evidence), clock=clock)
    if best.usable is False:
        return way("backup", False, lost, why, "everything", "none", clock=clock, rows=0)
    brings = brought(lost, best, evidence)
    why += f". {brings.says}" if brings.says else ""
    not_back = "; ".join(filter(None, (brings.lacks, NOT_BACK, _lacking(lost, best))))
    effort = "hours" if not best.minutes or best.minutes > 30 else "under an hour"
    return way(
        "backup",
        brings.feasible(best.usable),
        lost,
        why,
        not_back,
        effort,
        _from_dump(lost, best, evidence),
        clock=clock,
        rows=brings.rows,
        _waits=brings.waits,
        tables=tuple(name for name in best.holds if name not in (*lost.notes, *best.restored)),
    )


def brought(lost: Loss, best: Judged, evidence: Evidence) -> Share:
    """What a dump brings: what it holds of each table, and no more than is missing there or does not stand."""
    left = {*lost.notes, *best.restored}
    held = {name: count for name, count in best.holds.items() if name not in left}
    return share(held, lost, evidence, "are left out")


def _lacking(lost: Loss, best: Judged) -> str:
    short = [f"{name} (all)" for name in lost.tables if name not in best.holds and lost.missing.get(name)]
    short += [f"{name} (all that is newer than the restored rows)" for name in best.restored]
    for name, held in best.holds.items():
        missing = lost.missing.get(name) if name not in best.restored else None
        if missing is not None and held is not None and held < missing:
            short.append(f"{name} ({missing - held} rows)")
    return "not in it: " + ", ".join(short[:8]) if short else ""


def _section(row: dict, evidence: Evidence) -> str | None:
    r"""The filter that keeps a dump of SQL text within the database beside; None where its names are too odd for one.

    >>> _section({"database": None}, {}), _section({"database": "\\c other, shop"}, {})
    ('', None)
    """
    names = [name for name in (row["database"] or "").split(", ") if name]
    if not names:
        return ""  # without \\connect nothing in it names a database
    if any(name.startswith("\\") for name in names):
        return None  # a command of psql in an edited dump, for which the filter does not look
    here = first(evidence["identity"]).get("database")
    name = here if here in names else names[0] if len(names) == 1 else None
    return f" {_ONLY.format(name=shlex.quote(name))} |" if name and _PLAIN_NAME.fullmatch(name) else None


def _from_any(lost: Loss, evidence: Evidence) -> tuple[str, ...]:
    """What to do with a dump that the case does not name: where there is one, to name it is better."""
    older = "" if lost.before is None else f", older than {lost.before:%Y-%m-%d %H:%M:%S} UTC"
    return (
        "# is there a dump? Name it by this line in case.yaml: `backups: [/path/to/dump]`, and what it holds is told "
        f"without restoring. Otherwise set DUMP to the file or folder that pg_dump wrote{older}. One of SQL text is "
        "for psql, but not if it holds \\connect, DROP DATABASE or CREATE DATABASE: these lead away from the database "
        "beside:",
        'pg_restore --list "${DUMP:?}"  # which tables it holds, without restoring',
        _beside(evidence),
        _restored('"${DUMP:?}"', lost),
        *merging.bring_back(lost, evidence, f"--dbname={COPY}", (*lost.tables, *lost.notes)),
        DROPPED,
    )


def _beside(evidence: Evidence) -> str:
    """A new database with the encoding and the locale of the damaged one: the cluster's own may not hold its texts.

    template0 is the one that may get others than its own (PostgreSQL documentation, CREATE DATABASE).
    """
    query = (
        """SELECT format('"--encoding=%s" "--lc-collate=%s" "--lc-ctype=%s"', pg_encoding_to_char(encoding), """
        "datcollate, datctype) FROM pg_database WHERE datname = current_database()"
    )
    database = shlex.quote(f"--dbname={first(evidence['identity']).get('database') or 'DATABASE'}")
    return (
        f"psql -X --tuples-only --no-align {database} --command={shlex.quote(query)} | "
        f"xargs createdb --template=template0 {COPY}"
    )


def _restored(path: str, lost: Loss) -> str:
    """Tables and rows of a dump in one of pg_dump's own formats into the database beside."""
    # Roles and privileges of the old database need not exist here. Indexes, constraints and triggers are needed where a
    # table is gone: it is made anew out of the copy, which must have them then.
    gone = any(each.get("status") == "missing" for each in lost.found.values())
    sections = "" if gone else "--section=pre-data --section=data "
    return (
        f"pg_restore --no-owner --no-privileges {sections}--file=- {path} | "
        f"psql -X --quiet --dbname={COPY} > /dev/null  # complaints about what exists already do not matter"
    )


def _from_dump(lost: Loss, best: Judged, evidence: Evidence) -> tuple[str, ...]:
    row = best.row
    path = commands.place(row["file"])
    unpack = {"gzip": "gzip -dc", "zstd": "zstd -dc", "lz4": "lz4 -dc"}.get(row["packing"] or "", "cat")
    if row["format"] == "plain":
        only = _section(row, evidence)
        if only is None:
            return (BY_HAND,)
        made = f"{unpack} {path} |{only} psql -X --quiet --dbname={COPY} > /dev/null"
    else:
        made = _restored(path, lost)
    tables = [name for name in (*lost.tables, *lost.notes) if name in best.holds and name not in best.restored]
    return (
        *commands.case_folder(row["file"]),
        _beside(evidence),
        made,
        *merging.bring_back(lost, evidence, f"--dbname={COPY}", tables),
        DROPPED,
    )
