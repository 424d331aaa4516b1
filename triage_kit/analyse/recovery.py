"""Ways back: each with its preconditions as far as this evidence tells them, what it brings and what it does not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import declared, dump_ways, merging, remains_ways, replay_ways, restore_ways, shelf, undo_ways
from triage_kit.analyse.admission import WRITING, Admission
from triage_kit.analyse.applied import notes_versions
from triage_kit.analyse.context import Context
from triage_kit.analyse.losses import Loss, loss, relations_of, written
from triage_kit.analyse.remains_ways import wal_segments
from triage_kit.analyse.target import find_target

# The freeze list made every new session read-only, so that the way back is the only writer.
WRITES = "SET default_transaction_read_only = off;  -- for this session: new ones are read-only since the freeze"
# Ways whose statements write in the damaged database.
IN_SQL = {"undo_update", "attach", "rename_back", "row_security", "search_path", "dead_rows", "log_replay"}
COUNTED = {"wal", "dead_rows"}  # what these hold is counted before it is decoded
NEWER = "got rows since: where one has the key of a lost row, it stays, and the old row does not come back"
OLDER = "{} rows of an older state: where one stands that was changed since then, it stays as it was then"
EFFORTS = {"minutes": 0, "under an hour": 1, "hours": 2, "hours to days": 3, "days": 4}


def recovery_options(
    lost: Loss, evidence: Mapping[str, pd.DataFrame], about: Context, parts: Sequence[declared.Part] = ()
) -> pd.DataFrame:
    """Table ``recovery`` in the order in which to try; empty when nothing is lost.

    Feasible ones come first, of them the one that brings most of the rows with the least work; then those that are
    open; what leaves rows waiting for their parents follows the copies that may bring these; what is not feasible is
    told with its reason, so that nobody tries it.
    """
    if not lost.tables:
        return schemas.empty("recovery")
    own = tuple(each for each in parts if each.table in lost.tables or each.referenced in lost.tables)
    lost = replace(lost, parts=own)
    target = find_target(lost, evidence)
    judged = shelf.judge(lost, target, evidence)
    options = undo_ways.undo(lost, target, evidence, about)
    gone, lost = _gone(lost), _without_notes(lost)
    if gone:
        lost = _without_hidden(lost)
        options += [
            restore_ways.pitr(lost, target, judged, evidence, about),
            restore_ways.service(lost, target, evidence),
            dump_ways.backup(lost, judged, evidence),
            restore_ways.standby(lost, target, evidence),
            remains_ways.dead_rows(lost, target, evidence),
            remains_ways.wal_content(lost, target, evidence),
            replay_ways.log_replay(lost, evidence),
            remains_ways.volumes(lost, evidence, about),
            remains_ways.sources(lost, evidence),
        ]
    kept = sorted((_fruitful(each) for each in options if each is not None), key=lambda option: _rank(option, lost))
    admission = Admission(lost, evidence)
    unlogged = [name for name, row in relations_of(evidence).items() if row["persistence"] == "unlogged"]
    told = [admission.told(_passing(_bared(_noted(_writing(each, lost), lost), lost), lost)) for each in kept]
    told = [_logged(_sparing(each, kept), unlogged) for each in told]
    shown = [{key: value for key, value in each.items() if not key.startswith("_")} for each in told]
    return schemas.frame("recovery", [each | {"order": number} for number, each in enumerate(shown, 1)])


def _fruitful(option: dict) -> dict:
    """The way as it is judged, unless no row comes back by it: then it serves only beside another."""
    if option["feasible"] is not True or option.get("rows") != 0:
        return option
    why = f"{option['why']}; as far as rows are counted, it brings none that does not stand"
    return option | {"feasible": None, "why": why}


def _noted(option: dict, lost: Loss) -> dict:
    """The way with what it leaves out on purpose: the notes of migration tools."""
    if option["option"] not in WRITING or option["feasible"] is False or not lost.notes:
        return option
    left = f"{', '.join(lost.notes)}, which only the migration tool must write"
    return option | {"brings_not": f"{option['brings_not']}; {left}"}


def _bared(option: dict, lost: Loss) -> dict:
    """The way with the keys, numbering and so on that went with the rows: no row brings them back by itself."""
    if option["option"] not in WRITING or option["feasible"] is False or not lost.parts:
        return option
    said = declared.told(lost.parts)
    again = "; the last commands make it anew" if option["commands"] else ""
    brings_not = f"{option['brings_not']}; what went with the rows by itself: {said}{again}".removeprefix("; ")
    return option | {"brings_not": brings_not, "preconditions": (*option.get("preconditions", ()), f"bad: {said}")}


def _passing(option: dict, lost: Loss) -> dict:
    """The way with the tables in which it passes over old rows, since others stand under their keys."""
    names = [name for name in lost.renewed() if name in option["tables"]]
    if option["option"] not in WRITING or option["feasible"] is False or not names:
        return option
    older = [name for name in names if lost.found[name].get("mechanism") == "restore"]
    newer = [name for name in names if name not in older]
    shown = "; the last commands show both" if any("triage_copy" in each for each in option["commands"]) else ""
    holds = OLDER.format("holds" if len(older) == 1 else "hold")
    said = [f"bad: {merging.few(own)} {told}{shown}" for own, told in ((newer, NEWER), (older, holds)) if own]
    return option | {"preconditions": (*option.get("preconditions", ()), *said)}


def _sparing(option: dict, options: Sequence[dict]) -> dict:
    """The way with what it takes from another: pages that get rows are cleared of dead ones (documentation, HOT)."""
    dead = any(each["option"] == "dead_rows" and each["feasible"] is not False for each in options)
    if not dead or option["option"] not in WRITING or option["option"] == "dead_rows" or option["feasible"] is False:
        return option
    said = "bad: rows that are loaded into these tables let the server clear their dead rows: copy those first"
    return option | {"preconditions": (*option.get("preconditions", ()), said)}


def _logged(option: dict, unlogged: Collection[str]) -> dict:
    """The way with what makes its unlogged tables safe: the next crash would empty them again."""
    names = [name for name in option["tables"] if name in unlogged]
    if option["option"] not in WRITING or option["feasible"] is False or not names:
        return option
    again = [f"ALTER TABLE {written(name)} SET LOGGED;" for name in names]
    commands = list(option["commands"])
    ends = next((place for place, line in enumerate(commands) if line.startswith("COMMIT;")), None)
    if ends is not None:
        commands[ends:ends] = again
    said = f"bad: {merging.few(names)} would be emptied by the next crash again, unlogged as "
    said += f"{'it is' if len(names) == 1 else 'they are'}: {' '.join(again)}" + (
        " (among the commands)" if ends is not None else " once the rows are back"
    )
    lacks = option["brings_not"]
    if option["option"] == "wal":
        lacks += f"; rows written while {merging.few(names)} {'was' if len(names) == 1 else 'were'} unlogged"
    told = {"brings_not": lacks, "commands": tuple(commands)}
    return option | told | {"preconditions": (*option.get("preconditions", ()), said)}


def _writing(option: dict, lost: Loss) -> dict:
    """The way with what lets its statements write; rows that are only out of sight hold no writers up."""
    commands = tuple(option["commands"])
    runs = any(not each.startswith("--") for each in commands)
    writes = option["option"] in IN_SQL and runs and not commands[0].startswith("SELECT p.page")
    return option | {"commands": (WRITES, *commands)} if writes and lost.mechanisms != {"hidden"} else option


def _without_notes(lost: Loss) -> Loss:
    """The loss without what a migration tool notes of itself, where more was lost: no way back writes there."""
    notes = tuple(name for name in lost.tables if notes_versions(name))
    if not notes or len(notes) == len(lost.tables):
        return lost
    return replace(
        lost,
        tables=tuple(name for name in lost.tables if name not in notes),
        rows=lost.rows - sum(lost.missing.get(name) or 0 for name in notes),
        missing={name: count for name, count in lost.missing.items() if name not in notes},
        notes=notes,
    )


def _gone(lost: Loss) -> bool:
    """Whether any row is gone, rather than out of sight."""
    hidden = [name for name in lost.tables if lost.found.get(name, {}).get("status") == "hidden"]
    return len(hidden) < len(lost.tables) or not lost.found


def _without_hidden(lost: Loss) -> Loss:
    """The loss without tables whose rows stand out of sight: no copy is loaded over what stands, and brings nothing."""
    kept = tuple(name for name in lost.tables if lost.found.get(name, {}).get("status") != "hidden")
    missing, found = ({name: of[name] for name in kept if name in of} for of in (lost.missing, lost.found))
    return replace(lost, tables=kept, missing=missing, found=found)


def _rank(option: dict, lost: Loss) -> tuple[int, bool, int, float, int]:
    """Where the way stands: whether it goes, what it leaves waiting, whether it is whole, its work, its rows."""
    feasible = {True: 0, None: 1, False: 2}[option["feasible"]]
    rows = option.get("rows") or 0
    # What brings nothing, or leaves rows waiting for their parents, follows the ways that may bring these.
    beside = option.get("rows") == 0 or bool(option.get("_waits"))
    effort = max(EFFORTS.get(option["effort"], 5), EFFORTS["hours"] + 0.5 if beside else 0)
    # A copy that is known to be whole is safer than what has still to be decoded.
    whole = 0 if lost.rows and rows >= lost.rows and option["option"] not in COUNTED else 1
    return feasible, beside and feasible == 0, whole if feasible == 0 else 0, effort, -rows


__all__ = ["Loss", "loss", "recovery_options", "wal_segments"]
