"""The command line: parse arguments, call one function, print.

Exit status: 0 done; 1 failed; 2 wrong usage or a bad case.yaml; 3 reported, but a source that the case names could
not be read; 4 rows are lost (with ``--fail-on loss``); 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from triage_kit import __version__
from triage_kit.console import Console, line, plain, stand_in_for_closed_streams
from triage_kit.errors import CaseError, TriageError

DONE, FAILED, USAGE, UNREAD, LOSS, INTERRUPTED = 0, 1, 2, 3, 4, 130
DEFAULT_INCIDENT = "seed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status and never raises but for SystemExit of wrong usage."""
    stand_in_for_closed_streams()
    options = _parser().parse_args(arguments)
    console = Console(json=options.json, quiet=options.quiet)
    # What a command makes is its owner's alone, and open to that owner: a kernel works in folders that it made.
    before = os.umask(0o077)
    interrupted = False
    try:
        return options.command(options, console)
    except KeyboardInterrupt:
        interrupted = True
        goes_on = options.command in (collect, run, baseline)
        kept = ": what was read is kept, the same command goes on from there" if goes_on else ""
        console.error(f"interrupted{kept}", INTERRUPTED)
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED
    except TriageError as error:
        return _failed(console, options, str(error), error.exit_status)
    except Exception as error:  # noqa: BLE001 the border to the user: one paragraph, and the traceback on demand
        message = f"unexpected {type(error).__name__}: {error}; run it again with --debug to see where"
        return _failed(console, options, message, FAILED)
    finally:
        os.umask(before)
        if not interrupted:  # then nobody may be reading, and a full pipe would take nothing
            _give_up_what_cannot_be_printed()


def _give_up_what_cannot_be_printed() -> None:
    # The reader has left or the disk is full; Python would complain once more, and exit with 120, at its own end.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())


def _failed(console: Console, options: argparse.Namespace, message: str, status: int) -> int:
    from triage_kit.redact import redact

    if options.debug:
        console.trace(redact(traceback.format_exc()))
    console.error(redact(message), status)
    return status


def demo(options: argparse.Namespace, console: Console) -> int:
    """Rebuild a practice incident on a throwaway server, then triage it as any other."""
    from triage_kit.lab.incidents import INCIDENTS

    if options.list:
        width = max(map(len, INCIDENTS))
        for name, incident in INCIDENTS.items():
            console.say(f"{name:{width}} {incident.title}", event="incident", name=name, title=incident.title)
        return DONE
    if options.incident not in INCIDENTS:
        raise CaseError(f"no practice incident is called {options.incident!r}; there are {', '.join(INCIDENTS)}")
    from triage_kit.lab.demo import keep_wal, rebuild

    out = Path(options.out) if options.out else _free(f"triage-demo-{options.incident}")
    with rebuild(options.incident, out, console.notify) as made:
        status = _collect(made.folder, options, console)
        if status == UNREAD and not _unread_but(made.folder, made.taken_away()):
            console.say("that is how this practice incident left its log: the report says what is not seen for it")
            status = DONE
        keep_wal(made)
    return _worst(status, _report(made.folder, options, console))


def init(options: argparse.Namespace, console: Console) -> int:
    """Write a commented case.yaml and copy the notebooks beside it."""
    from triage_kit.start import init

    for path in init(options.folder, options.url):
        console.say(f"wrote {path}", event="wrote", path=str(path))
    console.say(f"next: edit {Path(options.folder) / 'case.yaml'}, then `triage run {options.folder}`")
    return DONE


def collect(options: argparse.Namespace, console: Console) -> int:
    """Read the sources and seal evidence/."""
    return _collect(options.case, options, console)


def report(options: argparse.Namespace, console: Console) -> int:
    """Make the report of what was collected, without any server."""
    status = _unread(options.case, console)
    return _worst(status, _report(options.case, options, console))


def run(options: argparse.Namespace, console: Console) -> int:
    """Collect, then report."""
    status = _collect(options.case, options, console)
    return _worst(status, _report(options.case, options, console))


def verify(options: argparse.Namespace, console: Console) -> int:
    """Check the bundle against its manifest."""
    from triage_kit.bundle import Bundle

    bundle = Bundle.open(options.case)
    problems = bundle.verify()
    for problem in problems:
        console.say(problem, event="problem", problem=problem)
    if problems:
        console.error(
            f"{bundle.folder} is not what was sealed: {len(problems)} differences; use an intact copy", FAILED
        )
        return FAILED
    count = len(bundle.manifest["files"])
    console.say(f"{bundle.folder} is as it was sealed: {count} files", event="verified", files=count)
    return DONE


def baseline(options: argparse.Namespace, console: Console) -> int:
    """Take a small bundle of counters, catalogue and sizes, to compare with after an incident."""
    from triage_kit.collect import collect
    from triage_kit.start import baseline_case

    found = collect(
        baseline_case(options.out, options.url), again=options.again, notify=console.notify, only="baseline"
    )
    console.say(f"baseline: {found.bundle.folder}", event="baseline", path=str(found.bundle.folder))
    return DONE


def collector(options: argparse.Namespace, console: Console) -> int:
    """Print collect.sql: a read-only psql script that writes one file for `snapshot:`."""
    from triage_kit.collect.collector import script

    print(script(), end="")
    return DONE


def salvage(options: argparse.Namespace, console: Console) -> int:
    """Read lost rows back out of WAL, or out of a copy of a table's file, as CSV beside the case."""
    from triage_kit import case as cases

    case = cases.load(options.case)
    from triage_kit.analyse import investigate, salvage
    from triage_kit.collect import salvage as carving
    from triage_kit.opened import open_case

    evidence = open_case(case.folder).evidence
    told = salvage.lost_files(investigate(evidence).findings, evidence, options.table or (), options.xid or ())
    wanted = [carving.Wanted(**row) for row in told]
    if not wanted:
        raise CaseError(
            f"no table of this case is called {', '.join(options.table)}; write it as the report does"
            if options.table
            else "no table of this case lacks rows: name one with --table"
        )
    folder = Path(options.out) if options.out else case.folder / "salvaged"
    if options.file:
        if len(wanted) != 1:
            raise CaseError("--file is a copy of one table's file: name that table, and no other, with --table")
        files = [Path(name) for name in options.file]
        done = [carving.from_file(files, wanted[0], folder, options.every_version)]
    else:
        done = carving.from_wal(case, wanted, folder, salvage.labels(evidence), options.every_version)
    for one in done:
        console.say("\n".join(line(each) for each in one.lines()), event="salvaged", **one.facts())
    return DONE if any(one.rows for one in done) else FAILED


def _collect(folder: str | Path, options: argparse.Namespace, console: Console) -> int:
    """Collect and print the first answer: the verdict with its freeze list, before any notebook runs."""
    from triage_kit import case as cases

    case = cases.load(folder)
    from triage_kit.collect import collect  # after the case: its mistakes are told without waiting for the driver

    found = collect(case, again=getattr(options, "again", False), notify=console.notify)
    _verdict(case.folder, console)
    for source in found.named_unread:
        console.say(line(f"named, but not read: {source}"), event="unread", source=source)
    return UNREAD if found.named_unread else DONE


def _verdict(folder: str | Path, console: Console) -> None:
    from triage_kit.analyse import investigate, verdict
    from triage_kit.opened import open_case

    console.verdict(verdict(investigate(open_case(folder).evidence)))


def _unread(folder: str | Path, console: Console) -> int:
    from triage_kit.bundle import Bundle

    sources = Bundle.open(folder).named_unread()
    for source in sources:
        console.say(line(f"named, but not read: {source}"), event="unread", source=source)
    return UNREAD if sources else DONE


def _unread_but(folder: Path, known: set[str]) -> list[str]:
    """The named sources that could not be read, without those of which that was known before."""
    from triage_kit.bundle import Bundle

    return [each for each in Bundle.open(folder).named_unread() if each.partition(" (")[0] not in known]


def _worst(*statuses: int) -> int:
    """The status that counts: a notebook that failed before a source that could not be read, then the highest."""
    return FAILED if FAILED in statuses else max(statuses)


def _report(folder: str | Path, options: argparse.Namespace, console: Console) -> int:
    from triage_kit.bundle import Bundle
    from triage_kit.report import make

    made = make(
        folder,
        notify=console.notify,
        notebooks=getattr(options, "notebooks", None),
        mask=getattr(options, "mask", False),
        pdf=options.pdf,
    )
    questions = Bundle.open(folder).manifest["questions"]
    silent = sum(row["status"] != "answered" for row in questions)
    notebooks = [str(path) for path in made.notebooks]
    paths: dict[str, Any] = {"html": str(made.html), "findings": str(made.findings), "notebooks": notebooks}
    text = [f"report:    {made.html}", f"findings:  {made.findings}", *(f"notebook:  {path}" for path in notebooks)]
    if made.pdf:
        paths["pdf"] = str(made.pdf)
        text.insert(1, f"pdf:       {made.pdf}")
    text += [
        f"without an answer: {silent} of {len(questions)} questions; the report's gaps say why and what that costs"
    ]
    console.say("\n".join(text), event="report", unanswered=silent, asked=len(questions), **paths)
    if made.failed:
        console.error(f"these notebooks failed, the report lacks their part: {', '.join(made.failed)}", FAILED)
        return FAILED
    return LOSS if getattr(options, "fail_on", None) == "loss" and _lost(made.findings) else DONE


def _lost(findings: Path) -> bool:
    import json

    tables = json.loads(findings.read_text(encoding="utf-8"))["tables"]
    return any(table["status"] in ("wiped", "partial", "missing") for table in tables)


def _free(name: str) -> Path:
    """A folder that is not there yet, in the working directory."""
    path, count = Path(name), 1
    while path.exists():
        count += 1
        path = Path(f"{name}-{count}")
    return path


class _Parser(argparse.ArgumentParser):
    """argparse repeats what it does not understand, which may be a URL with a password."""

    def error(self, message: str) -> NoReturn:
        from triage_kit.redact import redact

        # A command is a word of letters; what stands in its place may be a password that psql's habits put there.
        shown = re.sub(r"invalid choice: '(?![a-z]+')[^']*'", "invalid choice", message)
        super().error(plain(redact(shown)))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="triage",
        description="Find out what emptied PostgreSQL tables.",
        epilog="New here: `triage demo`. On an incident: `triage init case --url URL`, then `triage run case`.",
    )
    parser.add_argument("--version", action="version", version=f"triage-kit {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    add = _command(commands, "demo", demo)
    add("incident", nargs="?", default=DEFAULT_INCIDENT, metavar="INCIDENT", help="which; default: %(default)s")
    add("--out", metavar="DIR", help="the case folder to write; default: triage-demo-INCIDENT here")
    add("--list", action="store_true", help="print the practice incidents")
    _pdf(add)
    _fail_on(add)

    add = _command(commands, "init", init)
    add("folder", metavar="DIR", help="folder of the new case")
    add("--url", help="postgresql://role@host:port/database, without a password")

    for name, function in (("collect", collect), ("report", report), ("run", run), ("verify", verify)):
        add = _command(commands, name, function)
        add("case", metavar="CASE", help="the case folder or its case.yaml")
        if function in (collect, run):
            add("--again", action="store_true", help="keep sealed evidence as evidence-1/ and collect anew")
        if function is report:
            add("--notebooks", nargs="+", metavar="FILE", help="notebooks that papermill executed before; none is run")
        if function in (report, run):
            add("--mask", action="store_true", help="replace literals and values in messages by stable tokens")
            _pdf(add)
            _fail_on(add)

    add = _command(commands, "salvage", salvage)
    add("case", metavar="CASE", help="the case folder or its case.yaml, collected before")
    add("--table", action="append", metavar="NAME", help="a table as the report writes it; default: every damaged one")
    add("--xid", action="append", type=int, metavar="XID", help="the transaction that took the rows; default: as found")
    add("--file", action="append", metavar="PATH", help="read this copy of the table's file instead of WAL")
    add("--out", metavar="DIR", help="where to write; default: CASE/salvaged")
    add("--every-version", action="store_true", help="write every version that is found, with what became of it")

    _command(commands, "collector", collector)

    add = _command(commands, "baseline", baseline)
    add("--url", required=True, help="postgresql://role@host:port/database, without a password")
    add("out", metavar="OUT", help="folder to write")
    add("--again", action="store_true", help="keep an earlier baseline there as evidence-1/")
    return parser


def _command(commands: Any, name: str, function: Callable[[argparse.Namespace, Console], int]) -> Callable[..., Any]:
    summary = str(function.__doc__)
    parser = commands.add_parser(name, help=summary[0].lower() + summary[1:].rstrip("."), description=summary)
    parser.set_defaults(command=function)
    parser.add_argument("--json", action="store_true", help="print progress and results as JSON lines")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")
    return parser.add_argument


def _pdf(add: Callable[..., Any]) -> None:
    add("--pdf", action="store_true", help="print the page as PDF too, by a Chromium of this machine")


def _fail_on(add: Callable[..., Any]) -> None:
    add("--fail-on", choices=["loss"], metavar="loss", help="exit with 4 when rows are lost")
