"""What a program puts on a schedule by itself: functions of other files, as the imports of the scheduling file say.

A scheduler inside a program is given functions; the file that holds the statement does not tell that a clock calls it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

_MOST = 600  # characters of one call that are looked at: schedules are short
_MOST_CALLS = 2_000
# Repetitions are bounded, and only braces hold the ends of lines: a hostile file would take the square of its length.
_CALL = re.compile(
    r"\b(?:add_job|scheduled_job|add_periodic_task|add_cron|cron\.schedule|scheduleJob|CronJob(?:\.from)?|"
    r"every\([^()\n]{0,200}\)[\w.()'\":, ]{0,200}\.do)\s*\("
)
# Celery documentation, beat_schedule: a task is named by its dotted path.
_TASK = re.compile(r"""["']task["']\s*:\s*["'](\w+(?:\.\w+)+)["']""")
_PYTHON = re.compile(r"(?m)^[ \t]*from[ \t]+([\w.]*)[ \t]+import[ \t]+(\([^()]*\)|[^\n#]+)")
_PYTHON_WHOLE = re.compile(r"(?m)^[ \t]*import[ \t]+([\w.]+)(?:[ \t]+as[ \t]+(\w+))?")
_SCRIPT = re.compile(
    r"""(?m)^[ \t]*(?:import\s{1,99}(?=\S)(?P<names>[^'";{}\n]{0,200}(?:\{[^'";{}]{0,2000}\})?)\s{0,9}\bfrom|"""
    r"""(?:const|let|var)\s{1,99}(?=\S)(?P<taken>[^'"=;{}\n]{0,200}(?:\{[^=;{}]{0,2000}\}[^'"=;{}\n]{0,99})?)"""
    r"""=\s{0,99}(?:await\s{1,9}import|require)\s{0,9}\()\s{0,99}['"](?P<path>\.[^'"\n]{0,300})['"]"""
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_SUFFIXES = (".ts", ".js", ".mjs")


def scheduled_files(text: str, path: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Files whose functions a text puts on a schedule, with line and names; one file may be given in several ways.

    >>> code = "from shop.purge import purge_carts as purge\\nscheduler.add_job(purge, 'cron', hour=3)"
    >>> [(file, line, "purge_carts" in names) for file, line, names in scheduled_files(code, "shop/clock.py")]
    [('shop/purge.py', 2, True), ('shop/purge/purge_carts.py', 2, True)]
    >>> code = "import { purge } from '../carts/purge';\\ncron.schedule('0 3 * * *', () => purge(db));"
    >>> next(scheduled_files(code, "src/jobs/clock.ts"))[:2]
    ('src/carts/purge.ts', 2)
    """
    calls = list(islice(_CALL.finditer(text), _MOST_CALLS))
    tasks = list(islice(_TASK.finditer(text), _MOST_CALLS))
    if not calls and not tasks:
        return
    brought = _imports(text, path) if calls else {}
    for call in calls:
        given, line = _WORD.findall(_inside(text, call.end())), _line(text, call.start())
        for name in dict.fromkeys(word for word in given if word in brought):
            real, files = brought[name]
            yield from ((each, line, (real, *given)) for each in files)
    for task in tasks:
        module, _, name = task[1].rpartition(".")
        yield f"{module.replace('.', '/')}.py", _line(text, task.start()), (name,)


def _inside(text: str, start: int) -> str:
    """What stands within the parenthesis that opened before ``start``."""
    depth = 1
    for place in range(start, min(start + _MOST, len(text))):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return text[start : start + _MOST]


_Imports = dict[str, tuple[str, tuple[str, ...]]]


def _imports(text: str, path: str) -> _Imports:
    """By the name that a file knows it by, each imported thing's own name and the files that it may stand in."""
    if path.endswith(".py"):
        return _python_imports(text, str(PurePosixPath(path).parent))
    found: _Imports = {}
    for each in _SCRIPT.finditer(text):
        place = posixpath.normpath(posixpath.join(posixpath.dirname(path), each["path"]))
        files = (place,) if PurePosixPath(place).suffix in _SUFFIXES else tuple(place + end for end in _SUFFIXES)
        found |= {name: (name, files) for name in _known_as(each["names"] or each["taken"])}
    return found


def _python_imports(text: str, folder: str) -> _Imports:
    found: _Imports = {}
    for each in _PYTHON.finditer(text):
        module = each[1].lstrip(".")
        up = len(each[1]) - len(module)
        base = posixpath.normpath(posixpath.join(folder, *[".."] * (up - 1))) if up else ""
        place = posixpath.normpath(posixpath.join(base, module.replace(".", "/")))
        for name in each[2].strip("()").split(","):
            real, _, alias = (part.strip() for part in name.strip().partition(" as "))
            found[alias or real] = (real, (f"{place}.py", f"{place}/{real}.py"))
    for each in _PYTHON_WHOLE.finditer(text):
        name = each[2] or each[1].partition(".")[0]
        found[name] = (name, (f"{each[1].replace('.', '/')}.py",))
    return found


def _known_as(names: str) -> list[str]:
    """The names that an import binds: ``{ a as b, c: d }, e`` binds b, d and e."""
    bound = (re.split(r"\sas\s|:", part)[-1] for part in names.replace("{", ",").replace("}", ",").split(","))
    return [word for each in bound for word in _WORD.findall(each)]


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
