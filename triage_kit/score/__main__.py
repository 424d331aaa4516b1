"""The scoreboard's command line: ``python -m triage_kit.score``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pandas as pd

from triage_kit.console import Console, plain
from triage_kit.errors import LabError, TriageError
from triage_kit.lab import binaries
from triage_kit.lab.incidents import INCIDENTS, STUDIED
from triage_kit.score import figures
from triage_kit.score.run import jobs, keep, run_all
from triage_kit.score.views import VIEWS

SAMPLE = ("seed", "delete_without_where", "rolled_back_import", "retention_drop")
BEGIN, END = "<!-- scoreboard: begin -->", "<!-- scoreboard: end -->"
LAYOUTS = ("bin", "package/native/bin")


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked, print the figures; 0 when every incident could be rebuilt, else 1."""
    options, console = _parser().parse_args(arguments), Console()
    try:
        return _run(options, console)
    except TriageError as error:
        console.error(str(error), 1)
        return 1


def _run(options: argparse.Namespace, console: Console) -> int:
    out = Path(options.out)
    done = []
    if not options.figures_only:
        names = options.incidents or (SAMPLE if options.sample else list(INCIDENTS))
        todo = jobs(names, _majors(options.majors), options.views or VIEWS, options.cases)
        for each in run_all(todo, options.processes, console.say):
            keep(out, [each])
            done.append(each)
    records = keep(out, [])
    if records.empty:
        raise LabError(f"{out} holds no records: run some incidents first")
    console.say(text(records))
    if options.worst:
        Path(options.worst).write_text(worst(records), encoding="utf-8")
    if options.readme:
        _into(Path(options.readme), text(records, short=True))
    failed = [each for each in done if each.failure]
    for each in failed:
        console.say(f"{each.job.incident} on {each.job.major} failed: {each.failure}")
    return 1 if failed else 0


def text(records: pd.DataFrame, short: bool = False) -> str:
    """Every figure as Markdown: of incidents tuned on, held out and studied since, or held out still; by major."""
    tuned, studied, held = groups(records)
    count, seen = records["incident"].nunique(), studied["incident"].nunique()
    since = f", {seen} once and studied since" if seen else ""
    majors = ", ".join(str(major) for major in sorted(set(records["major"])))
    sections = [
        f"{count} incidents ({held['incident'].nunique()} held out{since}) on PostgreSQL {majors}; "
        f"{len(records)} conclusions. Struck: tables that something befell; spared: the rest.",
        *_section("Incidents that likelihoods may be adjusted on", tuned, 12 if short else 40),
        *_section("Held out once, studied since: roots of mistakes in these were mended", studied, 20 if short else 40),
        *_section("Hold-out: no likelihood was ever adjusted on these", held, 20 if short else 40),
        "**By major, all views and incidents**",
        figures.markdown(figures.summary(records, "major")),
    ]
    return "\n\n".join(sections)


def groups(records: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Records of incidents that may be adjusted on, that were held out and studied since, and that nobody adjusted on.

    Which have been studied is told as of now, whenever a record was made.
    """
    held, studied = records["holdout"].astype(bool), records["incident"].isin(STUDIED)
    return records[~held], records[held & studied], records[held & ~studied]


def worst(records: pd.DataFrame) -> str:
    """What is wrong, for whoever calibrates; hold-out incidents are left out on purpose."""
    tuned, _, _ = groups(records)
    return f"{text(records)}\n\n# All mistakes outside the hold-out\n\n{figures.markdown(figures.worst(tuned, 400))}\n"


def _section(title: str, records: pd.DataFrame, most: int) -> list[str]:
    """Figures by view, what was said against what was right, and the worst cases of these incidents alone."""
    if records.empty:
        return []
    count, majors = records["incident"].nunique(), " and ".join(str(major) for major in sorted(set(records["major"])))
    return [
        f"**{title}** ({count} incidents, PostgreSQL {majors})",
        figures.markdown(figures.summary(records)),
        "Said and right:",
        figures.markdown(figures.reliability(records)),
        "The worst cases:",
        figures.markdown(figures.worst(records, most).drop(columns="holdout")),
    ]


def _into(readme: Path, told: str) -> None:
    before, begin, rest = readme.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LabError(f"{readme} lacks the lines {BEGIN} and {END} that the figures go between")
    readme.write_text(f"{before}{BEGIN}\n{told}\n{END}{after}", encoding="utf-8")


def _majors(wanted: list[int]) -> dict[int, Path]:
    """Programs by major: those of ``$TRIAGE_PG_MAJORS`` and the one that the lab finds by itself."""
    found: dict[int, Path] = {}
    root = os.environ.get("TRIAGE_PG_MAJORS")
    for folder in sorted(Path(root).iterdir()) if root else ():
        for layout in LAYOUTS:
            if folder.name.isdigit() and binaries.complete(folder / layout):
                found.setdefault(int(folder.name), folder / layout)
    if not wanted or set(wanted) - set(found):
        default = binaries.find()
        found.setdefault(binaries.version(default)[0], default)
    missing = set(wanted) - set(found)
    if missing:
        raise LabError(
            f"no PostgreSQL {sorted(missing)} was found, only {sorted(found)}; "
            "set TRIAGE_PG_MAJORS to a folder with one subfolder a major (tests/fetch_majors.py makes it)"
        )
    return {major: found[major] for major in sorted(found) if not wanted or major in wanted}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m triage_kit.score", description=__doc__)
    add = parser.add_argument
    add("incidents", nargs="*", metavar="INCIDENT", help="which; default: all")
    add("--majors", nargs="+", type=int, default=[], metavar="MAJOR", help="which; default: all that are found")
    add("--views", nargs="+", choices=list(VIEWS), metavar="VIEW", help=f"which; default: {', '.join(VIEWS)}")
    add("--sample", action="store_true", help=f"only {', '.join(SAMPLE)}")
    add("--processes", type=int, default=2, help="how many at a time; default: %(default)s")
    add("--cases", metavar="DIR", help="keep collected cases there; those that it holds are judged as they are")
    add("--out", default="scoreboard.jsonl", help="results file that runs add up in; default: %(default)s")
    add("--figures-only", action="store_true", help="run nothing, print the figures of the results file")
    add("--worst", metavar="FILE", help="also write every mistake, and the figures, to a file")
    add("--readme", metavar="FILE", help=f"also write the figures between {plain(BEGIN)} and {plain(END)} of a file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
