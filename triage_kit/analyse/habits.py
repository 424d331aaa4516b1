"""How probable it is that what emptied a table is its ordinary way, as of a queue, a staging table or a list of carts.

The physical act looks like any other. What speaks for a habit is that it happened before, that the program's own code
does it, and what the table is called. Each is one ground; of what happened before as many count as are independent.
"""

from __future__ import annotations

from math import prod

from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.queues import EXPIRING, PASSING, succession, times, worked_off
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.series import with_missed
from triage_kit.analyse.statements import Seen

DELETING = ("delete", "cascade_delete")
EMPTYING = (*DELETING, "truncate")
OFTEN = 3  # times that one statement emptied a table before that counts as its habit
MISSED = 5  # the same for a table that people miss rows of
# Judgement: people name staging tables, queues and what expires so, and seldom anything else; one that they miss rows
# of is another.
DOUBT, DOUBT_MISSED = 0.7, 0.47
# Judgement: what the application's own code deletes it deletes every day, and a fault of it is missed by people; where
# nobody says which rows are missed at all, the one is about as likely as the other.
OWN_WAY, OWN_WAY_UNTOLD = 0.72, 0.5
# Judgement: a program that deletes from a table by a condition, and of which no source shows the runs, may have drained
# it as it always does; people who miss its rows are wrong about that less often than not.
UNSEEN_WAY_MISSED = 0.35
KEY_BYTES = 16  # what an entry of a small B-tree key takes at least
TURNED_OVER = 4  # times that a key must have been filled with other rows


def ordinary(table: Dossier, scene: Scene, mechanism: str, status: str, before: float | None = None) -> float | None:
    """The probability that nothing is lost by it; None where nothing speaks for a habit.

    ``status`` is what the mechanism would mean without one, ``before`` what ``repeated`` says. Independent grounds
    multiply the odds.
    """
    missed = table.name in scene.reported
    told = [before, _by_name(table, scene, mechanism, status)]
    if missed:
        if mechanism == "delete" and status == "wiped" and _drained_unseen(table, scene):
            told.append(UNSEEN_WAY_MISSED)
        return max((share for share in told if share is not None), default=None)
    if mechanism == "delete" and table.name in scene.own_ways and not struck(table.name, scene):
        told.append(OWN_WAY if scene.reported else OWN_WAY_UNTOLD)
    shares = [share for share in told if share is not None]
    odds = prod(share / (1 - share) for share in shares)
    return odds / (1 + odds) if shares else None


def _drained_unseen(table: Dossier, scene: Scene) -> bool:
    """Whether all that came went, and a program of the repository may have taken it by a condition, unseen."""
    drained = table.came is not None and table.came == table.went
    seen = any(each.operation == "delete" for each in scene.seen.get(table.name, ()))
    return drained and not seen and table.name in scene.written_ways and not scene.wal.deleting(table.oid)


def _by_name(table: Dossier, scene: Scene, mechanism: str, status: str) -> float | None:
    """By its name, or as code and statements tell, rows only pass through it: to be empty is its ordinary state."""
    missed = table.name in scene.reported
    expiring = status == "partial" and mechanism in DELETING and EXPIRING.search(table.name)
    passing = PASSING.search(table.name) or (
        table.name in scene.passing | scene.handed and not missed and not struck(table.name, scene)
    )
    if not expiring and not (passing and mechanism in EMPTYING):
        return None
    return DOUBT_MISSED if missed else DOUBT


def repeated(table: Dossier, scene: Scene, mechanism: str) -> float | None:
    """How often it was emptied before in the same way, as a probability.

    Either the same emptying statement ran again and again, or its primary key is far too small for the rows that went
    through it: VACUUM never shrinks an index (measured on 13 to 18), so that many rows never stood there at once.
    """
    if not table.balance["deletes"] and not table.replaced:
        return None
    missed, calls = table.name in scene.reported, _whole(table, scene)
    worked = None if missed or mechanism not in DELETING else worked_off(table, scene)
    told = [worked] if worked is not None else []  # no TRUNCATE is the work of a queue
    # Who misses rows of what is handed over each time looks for them in the wrong table.
    if calls >= (MISSED if missed and table.name not in scene.handed else OFTEN):
        told.append(succession(calls - missed))
    if missed:
        return max(told, default=None)
    by_its_hand = scene.refilled.get(table.name, 0)
    if by_its_hand > 1 and not _with_missed(table.name, scene):
        told.append(succession(by_its_hand))
    key, inserts = table.storage.get("primary_key_bytes"), table.balance["inserts"] or 0
    if not table.replaced and key and inserts > 1000 and key < inserts * KEY_BYTES / TURNED_OVER:
        told.append(succession(inserts * KEY_BYTES // key))
    return max(told, default=None)


def _whole(table: Dossier, scene: Scene) -> int:
    """How often a statement emptied it whole.

    Of a table that nobody misses, what also took missed rows is left out, and so is what did beside such a statement.
    """
    missed, strikes = table.name in scene.reported, with_missed(scene)
    return times([
        seen for seen in scene.seen.get(table.name, ())
        if seen.done and (missed or not strikes(seen))
        and (seen.operation == "truncate" or (seen.operation == "delete" and seen.bounded is False))
    ])  # fmt: skip


def struck(name: str, scene: Scene) -> bool:
    """Whether a statement that emptied the table also took rows that people miss, or its transactions always did."""
    by_text = any(seen.text in scene.struck for seen in _emptying(name, scene))
    return by_text or scene.always_missed(name)


def _with_missed(name: str, scene: Scene) -> bool:
    """Whether the table was emptied right beside those that people miss: what rows came after it are no habit then."""
    return struck(name, scene) or any(map(with_missed(scene), _emptying(name, scene)))


def _emptying(name: str, scene: Scene) -> list[Seen]:
    return [seen for seen in scene.seen.get(name, ()) if seen.done and seen.operation in ("truncate", "delete")]
