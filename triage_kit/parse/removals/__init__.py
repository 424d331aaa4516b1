"""Calls that remove rows, columns or tables by what their names say, in any language and of any tool.

The readers of single tools know how each writes its calls. Here a call is taken whose name is a word of removal (alone,
or with ``table``, ``column``, ``all``, ``where`` …, however its words are joined) and that is given a table or a class
of rows, or is called on one. Whether it reaches a database is told by that: maps, caches, files, elements of a page and
routes have the same verbs, but are called on other things and are given keys, paths and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse.chains import Call, blank_literals, call_at
from triage_kit.parse.code import only_held, told
from triage_kit.parse.migration import Operation
from triage_kit.parse.orm import only_shown
from triage_kit.parse.other_languages import without_comments
from triage_kit.parse.removals.context import CONTEXT, CONTEXT_CLUES, OTHER_STORES, POSTGRES, SPEAKS, any_of
from triage_kit.parse.removals.forms import LISPS, forms_of_removal
from triage_kit.parse.removals.names import MOST, line_at
from triage_kit.parse.removals.receivers import table_of
from triage_kit.parse.removals.rows import rows_removed
from triage_kit.parse.removals.structure import structure_removed

__all__ = ["removals", "table_of"]

_START = r"(?:(?P<join>(?:\|>|%>%|>>)\s*(?:\w+\.)*|\?\.|!\.|&\.|->|::|(?<!\.)\.)|(?<![\w@/#.>:-]))"
_GENERIC = r"(?P<generic>(?:::)?<[\w.:]{1,80}>|\[[A-Z][\w.]{0,80}\])?"
_VERB = r"(?:drop|remove|delete|destroy|truncate|purge|clear|wipe|reset|erase|empty|nuke|rm)"
_STRUCTURE = re.compile(
    rf"{_START}(?i:(?P<verb>{_VERB}|create|add)[_-]?(?P<all>all[_-]?)?(?P<noun>tables?|columns?|schemas?|databases?)"
    rf"(?:[_-]?(?:if[_-]?(?:not[_-]?)?exists|async|sync|all|cascade|now))*)[!_]?{_GENERIC}(?![\w-])(?=\s?\(|\s+[:#\"'`]|[;\n])"
)
_ROWS = re.compile(
    rf"{_START}(?P<name>(?i:(?:create|new|build)?(?P<bulk>bulk[_-]?|mass[_-]?|criteria)?(?P<verb>deletes?|destroy|remove|truncate|purge|wipe|erase|nuke|"
    r"trash|clear|drop|del)(?:able|[_-]?(?P<mass>all|many|where|batch|in[_-]?batch(?:es)?|rows|records|any|from|range|"
    r"expired|older\w*|by_\w+|by[A-Z]\w*))?(?:[_-]?(?:async|now|sync|returning|permanently))*))"
    rf"[!_]?{_GENERIC}(?![\w-])(?=\(|\.(?i:where)\(|[ \t]*(?:[{{;\n)}}#]|\|>|\Z))"
)
_DEFINES = re.compile(
    r"(?:\b(?:def|fn|func|fun|function|sub|proc|defn-?|defp|void|interface|abstract|method|procedure|macro|task|rule|Promise<\w+>)"
    r"[\s*]+(?:self\.|\w+::)?|\bfunc\s*\([^()]*\)\s*)\Z"
)


def removals(text: str, path: str) -> Iterator[Operation]:
    """Operations of such calls in a file of code, in no order.

    >>> code = 'db.dropTable("orders"); table("lines").where("a").delete(); seen.delete("x"); Order.deleteMany()'
    >>> [(each.operation, each.object, each.bounded) for each in removals(code, "a.js")]
    [('drop_table', 'orders', None), ('delete', 'lines', True), ('delete', 'Order', False)]
    """
    lowered = f"{path}\n{text}".lower()
    if not any_of(SPEAKS, lowered) and not (any_of(CONTEXT_CLUES, lowered) and CONTEXT.search(lowered)):
        return
    if any_of(OTHER_STORES, lowered) and not POSTGRES.search(text):
        return
    text = _LONG_LINE.sub(r"\1", without_comments(text, PurePosixPath(path).suffix.lstrip(".").lower()))
    if path.endswith(LISPS):
        text = text.replace("'", ":")
    blanked = blank_literals(text)
    yield from forms_of_removal(text, blanked, path.endswith(LISPS))
    for pattern, read in ((_STRUCTURE, structure_removed), (_ROWS, rows_removed)):
        for found in islice(pattern.finditer(blanked), MOST):
            if _DEFINES.search(blanked[max(0, found.start() - 60) : found.start()]):
                continue
            call = call_at(text, blanked, found)
            made = read(call, text)
            if made is None or _only_held(text, call) or only_shown(call, text, found.start()):
                continue
            made.line = text.count("\n", 0, found.end()) + 1
            made.text = line_at(text, found.end())
            yield made


_LONG_LINE = re.compile(r"(?m)^(.{2000}).+$")


def _only_held(text: str, call: Call) -> bool:
    start = call.found.start() - len(call.chain)
    return only_held(text, start, call.found.end()) or told(text, start)
