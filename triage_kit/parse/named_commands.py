"""Commands of a framework, which a job starts by a name that their file declares and that is not the file's own.

As the documentation of each has it: Laravel's Artisan, Symfony's Console, AdonisJS' Ace, Rake, Flask and Click, Mix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

MOST = 500  # of one file; a generated one may declare or start more
_RUNS = re.compile(
    r"""(?<![\w-])(?:artisan|console|ace|rake|rails|flask|mix)(?:["',\s]+-[\w=-]+)*["',\s]+([A-Za-z][\w-]*(?:[:.][\w-]+)*)"""
)
_DECLARES = re.compile(
    r"""(?:\$(?:signature|defaultName)\s{0,9}=|\bAsCommand\(\s{0,99}(?:name:)?|->setName\(|\bstatic\s+commandName\s{0,9}="""
    r"""|@\w[\w.]{0,99}\bcommand\((?:name=)?)\s{0,99}['"]([A-Za-z][\w:.-]{0,99})"""
)
_MIX = re.compile(r"(?m)^\s*defmodule\s+Mix\.Tasks\.([A-Z][\w.]*)")
_RAKE = re.compile(r"(?m)^([ \t]*)(?:(namespace)[ (]+:?['\"]?(\w+)|task[ (]+:?['\"]?(\w+))")
# One of these stands in every text that the patterns above take: most files are done without them.
STARTERS = re.compile(rb"(?<![\w-])(?:artisan|console|ace|rake|rails|flask|mix)\b")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLUES = ("signature", "defaultName", "AsCommand", "setName", "commandName", "command(", "Mix.Tasks")


def run_commands(text: str) -> Iterator[tuple[str, int]]:
    """Names of commands that the lines of a shell-like text start, each with its line.

    >>> list(run_commands("[Service]\\nExecStart=/usr/bin/node ace carts:forget --days=540"))
    [('carts:forget', 2)]
    >>> list(run_commands("0 3 * * * cd /srv && bin/console --env=prod app:purge")), list(run_commands("face it"))
    ([('app:purge', 1)], [])
    """
    for number, line in enumerate(text.splitlines(), 1):
        for found in islice(_RUNS.finditer(line), MOST):
            yield found[1], number


def declared_commands(text: str, path: str) -> Iterator[str]:
    """Names by which commands of a file are started.

    >>> list(declared_commands("protected $signature = 'carts:forget {--days=}';", "app/Console/Forget.php"))
    ['carts:forget']
    >>> rake = "namespace :db do\\n  task purge: :environment do\\n  end\\nend\\ntask :all do\\nend"
    >>> list(declared_commands(rake, "lib/tasks/purge.rake"))
    ['db:purge', 'all']
    >>> list(declared_commands("defmodule Mix.Tasks.Carts.ForgetOld do", "lib/mix/tasks/forget.ex"))
    ['carts.forget_old']
    """
    if any(clue in text for clue in _CLUES):
        yield from (found[1] for found in islice(_DECLARES.finditer(text), MOST))
        yield from (
            re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found[1]).lower() for found in islice(_MIX.finditer(text), 9)
        )
    if path.endswith(".rake") or path.rpartition("/")[2] == "Rakefile":
        yield from _rake(text)


def _rake(text: str) -> Iterator[str]:
    """Tasks with their namespaces, which the depth of their lines tells, as every formatter of Ruby sets it."""
    inside: list[tuple[int, str]] = []
    for found in islice(_RAKE.finditer(text), MOST):
        depth = len(found[1].expandtabs(2))
        inside = [each for each in inside if each[0] < depth]
        if found[2]:
            inside.append((depth, found[3]))
        else:
            yield ":".join([*(name for _, name in inside), found[4]])
