"""How many of the rows that a way back holds go in now, and which of them wait for parents that it does not bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from triage_kit.analyse import merging, orphans
from triage_kit.analyse.losses import Loss

MOST_ORDERED = 8


@dataclass(frozen=True)
class Share:
    """Rows that surely go in, those that may have to wait, and both in words; ``rows`` is None where nobody counted."""

    rows: int | None
    waits: int = 0
    says: str = ""
    lacks: str = ""

    def feasible(self, told: bool | None) -> bool | None:
        """The verdict on a way back: one that leaves more rows waiting than it brings does not serve by itself."""
        return None if told and self.waits > (self.rows or 0) else told


def share(
    counts: Mapping[str, int | None], lost: Loss, evidence: Mapping[str, pd.DataFrame], meanwhile: str
) -> Share:  # fmt: skip
    """Of the rows that a copy holds of each table those that go in now.

    Parameters
    ----------
    counts : rows by table; tables of which it holds none may be there.
    meanwhile : what the printed commands do with a row whose parent is not there, as "are left out".
    """
    gains = {name: lost.gain(name, held) for name, held in counts.items()}
    known = {name: gain for name, gain in gains.items() if gain is not None}
    if not known or len(known) < len(gains):
        return Share(None)
    holds = {name: held for name, held in counts.items() if held}
    held = orphans.held_up(holds, lost.missing, evidence)
    all_, waits = sum(known.values()), sum(known[name] for name in held)
    if not waits:
        return Share(all_)
    parents = sorted({parent for each in held.values() for parent in each})
    roots = [name for name in parents if name not in held]
    order = merging.parents_first([*held, *roots], evidence)
    more = f" and {len(order) - MOST_ORDERED:,} more" if len(order) > MOST_ORDERED else ""
    now = f"at least {all_ - waits:,} of them go in now" if all_ > waits else "none of them surely goes in now"
    says = (
        f"{all_:,} rows are in it, {now}: those of {merging.few(sorted(held))} "
        f"go in only where the rows of {merging.few(parents)} that they refer to are there, and {meanwhile} until "
        f"these are back another way. They come back in this order: {', '.join(order[:MOST_ORDERED])}{more}"
    )
    lacks = f"{waits:,} rows that are in it, as long as the rows of {merging.few(roots)} that they need are not back"
    return Share(all_ - waits, waits, says, lacks)
