"""How tight, and how true, the dating is: python -m tests.benchmarks.windows [INCIDENT …] [--views VIEW …]

Rebuilds practice incidents whose deed is one session's statement, notes when that session really worked, and prints for
each view how many windows hold that moment and how wide they are. The moment comes from the clock of whoever did the
deed, never from the server or its log.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from triage_kit.analyse import investigate
from triage_kit.analyse.investigation import Investigation
from triage_kit.lab import binaries
from triage_kit.lab.incidents import INCIDENTS, Incident
from triage_kit.lab.incidents.base import now
from triage_kit.lab.incidents.script import Act, Script, Stage, Step
from triage_kit.opened import open_case
from triage_kit.schemas import parts
from triage_kit.score import figures
from triage_kit.score.views import VIEWS, looks

VIEWS_ASKED = ("everything", "pg_monitor", "plain", "no_log", "vacuum", "day_later")
# What a statement that brought about such a loss must hold, whatever else stands in it.
VERBS = {
    "truncate": r"\btruncate\b",
    "delete": r"\b(delete|merge)\b",
    "cascade_delete": r"\bdelete\b",
    "update": r"\b(update|merge)\b",
    "drop": r"\bdrop\b",
    "partition_drop": r"\b(drop|detach)\b",
    "column_drop": r"\bdrop column\b",
    "recreate": r"\b(drop|rename)\b",
}


class Deed(NamedTuple):
    """When a session worked, and what it said."""

    start: datetime
    end: datetime
    said: str


@dataclass(frozen=True)
class Timed:
    """A step that also notes when it ran."""

    step: Step
    diary: list[Deed]

    def __call__(self, stage: Stage) -> None:
        start = now()
        self.step(stage)
        if isinstance(self.step, Act) and not (self.step.fails or self.step.undone):
            self.diary.append(Deed(start, now(), "; ".join(self.step.statements)))


def scripts(names: list[str]) -> Iterator[tuple[Incident, Script]]:
    """The practice incidents that are told as a script: those alone name their sessions."""
    for name in names or INCIDENTS:
        script = getattr(INCIDENTS[name].build, "__self__", None)
        if isinstance(script, Script):
            yield INCIDENTS[name], script


def moments(incident: Incident, diary: list[Deed]) -> dict[str, Deed]:
    """By struck table the one session that can have done it; a table with none or several is left out."""
    found = {}
    roots = {parts(name)[1] for name in incident.truth["roots"]}
    for name, told in incident.truth["tables"].items():
        verb = VERBS.get(told["mechanism"])
        if told["status"] == "intact" or verb is None:
            continue
        names = "|".join(re.escape(each) for each in sorted(roots | {parts(name)[1]}))
        hits = [
            deed
            for deed in diary
            if re.search(verb, deed.said, re.IGNORECASE) and re.search(rf"\b({names})\b", deed.said)
        ]
        if len(hits) == 1:
            found[name] = hits[0]
    return found


def told(incident: Incident, view: str, diary: list[Deed], keys: dict, found: Investigation) -> list[dict]:
    """A row for each group that holds a struck table whose moment is known."""
    whole = (keys["window"]["end"] - keys["window"]["start"]).total_seconds()
    known, rows = {parts(name): deed for name, deed in moments(incident, diary).items()}, []
    for group in found.groups.to_dict("records"):
        deeds = {known[parts(name)] for name in group["tables"] if parts(name) in known}
        if len(deeds) != 1:
            continue
        [deed] = deeds
        start, end = group["lost_from"], group["lost_to"]
        holds = (pd.isna(start) or start <= deed.end) and (pd.isna(end) or end >= deed.start)
        open_ended = pd.isna(start) or pd.isna(end)
        rows.append({
            "incident": incident.name, "view": view, "holds": holds,
            "seconds": float("nan") if open_ended else (end - start).total_seconds(), "whole": whole,
            "deed": (deed.end - deed.start).total_seconds(), "how": group["dated_by"],
            "from": start, "to": end, "done": deed.start, "over": deed.end,
        })  # fmt: skip
    return rows


def run(incident: Incident, script: Script, folder: Path, views: set[str]) -> list[dict]:
    """Rebuild, look and compare; the two servers of the views have a diary each."""
    diary: list[Deed] = []
    keys: dict = {}
    timed = replace(script, acts=[Timed(step, diary) for step in script.acts])

    def build(server, where):
        diary.clear()
        keys.update(timed.build(server, where))
        return dict(keys)

    rows = []
    with tempfile.TemporaryDirectory(prefix="triage-when-") as work:
        for look in looks(replace(incident, build=build), folder, Path(work), views):
            rows += told(incident, look.view, diary, keys, investigate(open_case(look.folder).evidence))
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """By view: windows that hold the moment, and their width, also as a part of the window that the case names."""
    lines = []
    for view in [view for view in VIEWS if view in set(rows["view"])]:
        here = rows[rows["view"] == view]
        low, high = figures.wilson(here["holds"].mean(), len(here))
        lines.append({
            "view": view, "n": len(here), "holds": f"{here['holds'].mean():.3f} [{low:.2f} {high:.2f}]",
            "closed": int(here["seconds"].notna().sum()), "median s": f"{here['seconds'].median():.3f}",
            "90 % s": f"{here['seconds'].quantile(0.9):.3f}",
            "of the case's window": f"{(here['seconds'] / here['whole']).median():.3f}",
            "narrower than it": f"{(here['seconds'] < 0.99 * here['whole']).mean():.2f}",
            "the deed took, median s": f"{here['deed'].median():.3f}",
        })  # fmt: skip
    return pd.DataFrame(lines)


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Print what each view dated, and the summary; 1 where a window does not hold the moment."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.windows", description=__doc__)
    parser.add_argument("incidents", nargs="*")
    parser.add_argument("--views", nargs="+", choices=list(VIEWS), default=list(VIEWS_ASKED))
    options = parser.parse_args(arguments)
    rows = []
    for incident, script in scripts(options.incidents):
        for row in run(incident, script, binaries.find(), set(options.views)):
            rows.append(row)
            verdict = "holds" if row["holds"] else "MISSES"
            say(
                f"{row['incident']} {row['view']}: {row['seconds']:.3f} s {verdict} ({row['how']}) "
                f"{row['from']} .. {row['to']} / {row['done']} .. {row['over']}"
            )
    if not rows:
        say("no incident of these has a session of which it is certain that it did the deed")
        return 1
    frame = pd.DataFrame(rows)
    say(figures.markdown(summary(frame)))
    return 0 if frame["holds"].all() else 1


if __name__ == "__main__":
    sys.exit(main())
