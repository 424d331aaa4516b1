"""Who would start a file of a repository: a schedule, the tests, somebody by hand, or the application.

Told by the file's place, its name and what it says of itself; a line of a job that names another file starts it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from triage_kit.parse.etl import SUFFIXES as ETL

_TEST_FOLDERS = frozenset(
    (
        "test",
        "tests",
        "t",
        "spec",
        "specs",
        "__tests__",
        "e2e",
        "cypress",
        "testing",
        "testdata",
        "test_helpers",
        "itest",
    )
)
_TEST_NAME = re.compile(
    r"(?i)\A(?:conftest\.py|codeception(?:\.dist)?\.ya?ml|.*\.suite(?:\.dist)?\.ya?ml|test_.*|.*_test\.\w+|.*_spec\.rb|.*[.-](?:spec|test)\.\w+|"
    r"(?:test|spec)_helper\.\w+|(?:jest|vitest)[.-]setup[\w.-]*|setup[-_.]?tests?\.\w+)\Z"
)
# Behat, Cucumber and behave keep what their scenarios run beside the features.
_SCENARIOS = re.compile(
    r"(?:\A|/)features/(?:bootstrap|step_definitions|steps|support)/|(?:\A|/)features/environment\.py\Z"
)
CI = re.compile(
    r"(?:\A|/)(?:\.github/workflows/[^/]+|\.gitlab-ci\.yml|\.circleci/config\.yml|Jenkinsfile|"
    r"azure-pipelines\.yml|bitbucket-pipelines\.yml|\.drone\.yml|\.travis\.yml|\.buildkite/[^/]+|\.woodpecker(?:/[^/]+|\.yml)|"
    r"tox\.ini|noxfile\.py)\Z"
)
_CRON_PATH = re.compile(
    r"(?i)(?:\A|/)(?:cron\.(?:d|daily|hourly|weekly|monthly)(?:/[^/]+)?|crons?/[^/.]+|crontab[^/]*|[^/]+\.cron(?:tab)?|[^/]+\.timer|"
    r"config/schedule\.rb|sidekiq[_-]cron\.ya?ml)\Z"
)
# A target or script that runs the tests, by the conventions of make, npm and Composer.
_TEST_TARGET = re.compile(r"(?i)\A(?:tests?|check|specs?|e2e)(?:[-_:.][\w:.-]*)?\Z")
_TARGETS = re.compile(
    r"(?i)(?:\A|/)(?:(?:gnu)?makefile|justfile|[^/]+\.mk|taskfile\.ya?ml|(?:package|composer)\.json)\Z"
)
_SCRIPT_FOLDERS = frozenset(
    (
        *("scripts", "script", "bin", "tools", "hack", "ops", "maintenance", "commands", "tasks", "seeds", "seeders"),
        *("sql", "fixtures", "utils", "jobs", "cleanup", "devtools", "notebooks"),
    )
)
_SCRIPT_NAME = re.compile(
    r"(?i)\A(?:makefile|gnumakefile|justfile|taskfile\.ya?ml|rakefile|package\.json|composer\.json|procfile|"
    r"dockerfile.*|.*\.(?:sh|bash|zsh|ps1|bat|cmd|sql|mk|rake|ipynb|psql))\Z"
)
_IN_CODE = re.compile(
    r"\bcrontab\(|\bbeat_schedule\b|\bB(?:ackground|locking)Scheduler\(|\bAsyncIOScheduler\(|\bschedule\.every\(|"
    r"@periodic_task|@repeat_every|\bcron\.schedule(?:_in_database)?\(|\bnew\s+CronJob\(|@Scheduled\b|@Cron\(|\bDAG\(|@dag\(|\bevery\s+\d+\.(?:hour|day|minute)s?\b"
)
# One of these stands in every text that the pattern above takes: most files are done without it.
_IN_CODE_CLUES = ("cron", "Cron", "chedule", "periodic_task", "repeat_every", "DAG(", "@dag(", "every")
_CRON_JOB = re.compile(r"(?m)^\s*kind:\s*['\"]?CronJob\b")
_SCHEDULES = [
    re.compile(r"(?m)^\s*-?\s*(?:schedule|cron):\s*['\"]?(?P<when>[@\w*/,?LW#-][^'\"\n#]*?)['\"]?\s*(?:#.*)?$"),
    re.compile(r"(?m)^\s*OnCalendar\s*=\s*(?P<when>\S[^\n]*)$"),
    re.compile(
        r"\bcron\.schedule(?:_in_database)?\(\s*(?:'[^']*'\s*,\s*)?'(?P<when>(?:[\d*/,?LW$-]+\s+){4}[^']+|\d+ seconds)'"
    ),
    re.compile(r"(?m)^\s*OnUnit\w*Sec\s*=\s*(?P<when>\S[^\n]*)$"),
]
_CRON_LINE = re.compile(
    r"^\s*(?P<when>@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|(?:[\d*/,A-Za-z?-]+\s+){4}[\d*/,A-Za-z?-]+)\s+\S"
)


def vehicle(path: str, text: str) -> str:
    """Who starts the file: scheduled_job, test_run, script or application.

    >>> [vehicle(path, "") for path in ("etc/cron.d/purge", "tests/conftest.py", "scripts/reset.sh", "app/views.py")]
    ['scheduled_job', 'test_run', 'script', 'application']
    >>> [vehicle(path, "") for path in ("features/bootstrap/Context.php", "features/billing/invoice.py")]
    ['test_run', 'application']
    >>> [vehicle(path, "") for path in ("codeception.yml", "etl/load.ktr")]  # a loading tool has a scheduler
    ['test_run', 'scheduled_job']
    >>> vehicle("sync/cron.d", "")  # what is copied to /etc/cron.d keeps its name
    'scheduled_job'
    >>> vehicle("t/fixtures.sql", "")  # where Perl and pgTAP keep tests
    'test_run'
    """
    place = PurePosixPath(path)
    folders = {each.lower() for each in place.parts[:-1]}
    if _CRON_PATH.search(path) or ("CronJob" in text and _CRON_JOB.search(text)):
        return "scheduled_job"
    if CI.search(path):
        return "scheduled_job" if re.search(r"(?m)^\s*-?\s*cron:|\bcron\s*\(", text) else "test_run"
    if place.suffix == ".pp" and re.search(r"(?m)^\s*cron\s*\{", text):
        return "scheduled_job"
    if folders & _TEST_FOLDERS or _TEST_NAME.match(place.name) or _SCENARIOS.search(path):
        return "test_run"
    if _scheduled_in_code(text) or "ofelia.job-" in text or place.suffix.lstrip(".").lower() in ETL:
        return "scheduled_job"
    if folders & _SCRIPT_FOLDERS or _SCRIPT_NAME.match(place.name) or "if __name__ ==" in text or text.startswith("#!"):
        return "script"
    return "application"


def runs_tests(path: str, name: str | None) -> bool:
    """Whether a target of a Makefile, or of what stands in for one, is the one that runs the tests.

    >>> [runs_tests("Makefile", name) for name in ("test", "test-db", "deploy", None)]
    [True, True, False, False]
    >>> runs_tests("package.json", "test:e2e"), runs_tests("lib/test.py", "test")
    (True, False)
    """
    return name is not None and bool(_TEST_TARGET.match(name) and _TARGETS.search(path))


def schedule(path: str, text: str, line: int) -> str | None:
    """When the job that holds a line runs, as it is written there; None where nothing says so.

    >>> schedule("crontab", "5 3 * * * psql -c 'TRUNCATE a'", 1)
    '5 3 * * *'
    """
    if _CRON_PATH.search(path):
        lines = text.splitlines()
        if 0 < line <= len(lines) and (found := _CRON_LINE.match(lines[line - 1])):
            return " ".join(found["when"].split())
    told = [found for pattern in _SCHEDULES for found in pattern.finditer(text)]
    before = [found for found in told if text.count("\n", 0, found.start()) < line]
    chosen = before[-1] if before else told[0] if told else None
    if chosen is not None:
        return chosen["when"].strip()
    return "in the code" if _scheduled_in_code(text) else None


def _scheduled_in_code(text: str) -> bool:
    return any(clue in text for clue in _IN_CODE_CLUES) and _IN_CODE.search(text) is not None


_NAMES = {
    "py": re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)"),
    "rb": re.compile(r"^\s*(?:def|task|namespace)\s+:?['\"]?([\w:.]+)"),
    "make": re.compile(r"^([\w./-]+)\s*:(?!=)"),
    "yaml": re.compile(r"^\s*-?\s*(?:name|service|container_name):\s*['\"]?([\w ./-]+)|^\s{0,4}([\w-]+):\s*$"),
    "sh": re.compile(r"^\s*(?:function\s+)?([\w-]+)\s*\(\)\s*\{?"),
    "json": re.compile(r"^.*?\"([\w:.-]+)\"\s*:\s*\"[^\"]*$"),
}
_ROUTINE = re.compile(r'(?i)^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)')
_QUOTE = re.compile(r"\$\w*\$")
_KINDS = {
    "psql": "sql",
    "yml": "yaml",
    "yaml": "yaml",
    "rake": "rb",
    "mk": "make",
    "bash": "sh",
    "js": "js",
    "ts": "js",
}


def name_of(path: str, lines: Sequence[str], line: int) -> str | None:
    """The function, target, job or service that holds the line.

    >>> name_of("Makefile", ["all: x", "reset-db:", "\\tdropdb shop"], 3)
    'reset-db'
    >>> name_of("a.sql", ["CREATE FUNCTION f() RETURNS void AS $$", "DELETE FROM a;", "$$;", "DELETE FROM b;"], 2)
    'f'
    """
    place = PurePosixPath(path)
    suffix = place.suffix.lstrip(".").lower()
    kind = "make" if place.name.lower() in ("makefile", "gnumakefile", "justfile") else _KINDS.get(suffix, suffix)
    if kind == "sql":
        return _routine_of(lines, line)
    pattern = _NAMES.get(kind)
    if pattern is None:
        return None
    for each in reversed(lines[max(0, line - 400) : line]):
        if found := pattern.match(each):
            return next(part for part in found.groups() if part).strip()
    return None


def _routine_of(lines: Sequence[str], line: int) -> str | None:
    """The routine in whose body the line of a SQL file stands; None for a line that runs with the file."""
    for start in range(line - 1, max(-1, line - 400), -1):
        if found := _ROUTINE.match(lines[start]):
            quotes = _QUOTE.findall("\n".join(lines[start : line - 1]))
            return None if quotes and quotes.count(quotes[0]) > 1 else found[1]
    return None
