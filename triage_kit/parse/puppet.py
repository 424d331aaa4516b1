"""Commands and SQL that the resources of a Puppet manifest run: ``exec``, ``cron`` and ``postgresql_psql``.

What a resource asks before it acts (``unless``, ``onlyif``) changes nothing, and one that is absent is not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from triage_kit.parse.commands import command_hits
from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

_MOST = 500
_RESOURCE = re.compile(
    r"(?m)^(?P<indent>[ \t]*)(?P<kind>(?:::)?[a-z]\w*(?:::[a-z]\w*)*)[ \t]*\{[ \t]*(?P<body>[^\n]*\n"
    r"(?:(?!(?P=indent)\}).*\n){0,200})"
)
_TITLE = re.compile(r"\s*(?:'(?P<one>[^'\n]*)'|\"(?P<two>[^\"\n]*)\")\s*:")
_COMMAND = re.compile(r"\bcommand\s*=>\s*(?:'(?P<one>(?:[^'\\]|\\.)*)'|\"(?P<two>(?:[^\"\\]|\\.)*)\")", re.DOTALL)
_ABSENT = re.compile(r"\bensure\s*=>\s*['\"]?absent\b")
_REMOVES = {"postgresql_database": "drop_database", "postgresql::server::schema": "drop_schema"}
_HOLE = re.compile(r"\$\{[^}]*\}|\$\w+")


def puppet_hits(text: str) -> Iterator[Operation]:
    r"""Operations of the commands that the resources of a manifest run, in order.

    >>> text = "exec { 'tidy':\n  command => 'psql -c \"TRUNCATE a\"',\n}\n"
    >>> [(each.line, each.operation, each.object) for each in puppet_hits(text)]
    [(2, 'truncate', 'a')]
    """
    text = re.sub(r"(?m)^[ \t]*#.*$", "", text)
    for resource in islice(_RESOURCE.finditer(text), _MOST):
        absent, kind = _ABSENT.search(resource["body"]), resource["kind"].removeprefix("::")
        title = _TITLE.match(resource["body"])
        if absent and title and kind in _REMOVES:
            line = text.count("\n", 0, resource.start()) + 1
            yield Operation(line, "", _REMOVES[kind], title["one"] or title["two"], text=title[0], how="pattern")
        given = _COMMAND.search(resource["body"]) or (kind in _RUNS and title) or None
        if given and not absent:
            group = "one" if given["one"] is not None else "two"
            first = text.count("\n", 0, resource.start("body") + given.start(group))
            for each in _run(re.sub(r"\\(.)", r"\1", given[group]), kind):
                yield replace(each, line=each.line + first)


# Their title is what they run where no other command is given.
_RUNS = frozenset(("exec", "postgresql_psql"))


def _run(command: str, kind: str) -> Iterator[Operation]:
    if "psql" not in kind:
        yield from command_hits(command)
    elif suspicious(command):
        yield from (Operation.of(each, "", each.line) for each in effects(_HOLE.sub("__hole__", command)))
