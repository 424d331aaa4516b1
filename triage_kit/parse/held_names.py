"""Names of tables and columns that code keeps in a variable: a constant, or what a loop takes from a list on the page.

The readers of calls take a name where it stands as a literal. Here a variable in such a place is written as one, and
what was found is told by what the variable holds: one operation for each value of a loop, ``{…}`` for what nobody can
know without running the code.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from triage_kit.parse.migration import Operation
from triage_kit.parse.orm import ECTO_DROP

_MOST = 1_000
_MOST_VALUES = 100
_NEAR = 80
_LITERAL = r"""(?::\w+|'(?:\{\{%?)?[\w.$-]+(?:\}\})?'|"(?:\{\{%?)?[\w.$-]+(?:\}\})?"|`[\w.$-]+`)"""
_LIST = rf"(?:\[\s*{_LITERAL}(?:\s*,\s*{_LITERAL})*\s*,?\s*\]|(?:%[wi]|~w)[\[({{][\s\w.]+[\])}}]a?)"
_ITEM = re.compile(r"(?<=[:'\"`])(?:\{\{%?)?[A-Za-z_][\w.$-]*|(?<![\w%~])[A-Za-z_][\w.$-]*")
_OWNER = r"(?:this\.|self\.|self::|static::|\$this->|\$|@|[A-Z]\w*\.)?"
_HELD = rf"(?<!\w)(?:{_LIST}|{_OWNER}[A-Za-z_]\w*)"


class _Language(NamedTuple):
    """How a language gives a name its value, or each of a list's, the calls that take names, and those that destroy."""

    binds: list[re.Pattern[str]]
    takes: re.Pattern[str]
    destroys: re.Pattern[str]
    clues: tuple[str, ...] = ("",)  # one stands in every text with such a call


def _takes(calls: str, opens: str = r"\s*\(\s*", variable: str = rf"{_OWNER}[A-Za-z_]\w*") -> re.Pattern[str]:
    """A variable as the first argument of some calls, or as the second behind a literal; no parameter of a function."""
    return re.compile(
        rf"(?m)(?<!def )(?<!function )\b(?P<head>(?:{calls}){opens}(?:{_LITERAL}\s*,\s*)?)"
        rf"(?P<source>{variable}(?:\.to_s(?:ym)?)?)"
        r"(?=\s*(?:,|\)(?!\s*(?:\{|=>))|\}|$)|[ \t]+(?:if|unless|end)\b)"
    )


def _binds(*patterns: str) -> list[re.Pattern[str]]:
    return [re.compile(each) for each in patterns]


_JS = _Language(
    _binds(
        r"(?m)^[ \t]*(?:export[ \t]+)?(?:(?:const|let|var|private|public|static|readonly)[ \t]+)+(?P<name>\w+)[ \t]*"
        rf"(?::[^=\n]{{1,80}})?=\s*(?P<value>{_LIST}|{_LITERAL})(?:[ \t]+as[ \t]+const)?[ \t]*(?:[;,\n]|\Z)",
        rf"\bfor\s*(?:await\s*)?\(\s*(?:const|let|var)\s+(?P<name>\w+)\s+of\s+(?P<value>{_HELD})\s*\)",
        rf"(?P<value>{_HELD})\s*\.\s*(?:forEach|map|flatMap)\(\s*(?:async\s*)?\(?\s*(?P<name>\w+)\s*(?:,\s*\w+\s*)?\)?\s*=>",
    ),
    _takes(
        r"dropTable(?:IfExists)?|removeColumn|dropColumns?|renameTable|changeColumn|addColumn|dropSchema(?:IfExists)?|"
        r"createTable(?:IfNotExists)?|bulkDelete|alterTable|clearTable|table|from|into|knex|trx|tx|db|pg"
    ),
    re.compile(
        r"(?:\b(?:schema|knex|trx|pgm|queryInterface|queryRunner)|\))\s*\.\s*(?:dropTable|dropTableIfExists|removeColumn|"
        r"dropSchema|dropSchemaIfExists|bulkDelete|clearTable)\(\s*\Z"
    ),
    ("Table", "Column", "Schema", "bulkDelete", "table", "from", "into", "knex", "trx", "tx", "db", "pg"),
)
_RUBY = _Language(
    _binds(
        rf"(?m)^[ \t]*(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*(?P<value>{_LIST}|{_LITERAL})(?:\.freeze)?[ \t]*$",
        rf"(?P<value>{_HELD})(?:\.reverse)?\.(?:each|map|each_with_index)[ \t]*(?:do|\{{)[ \t]*\|[ \t]*(?P<name>\w+)",
    ),
    _takes(
        r"drop_table|create_table|remove_columns?|rename_table|change_column|add_column|drop_schema|truncate_tables",
        r"(?:[ \t]+|\(\s*)",
    ),
    re.compile(
        r"(?:(?m:^[ \t]*)|[{|;][ \t]*|\bconn(?:ection)?\.)(?:drop_table|remove_columns?|drop_schema|truncate_tables)"
        r"(?:[ \t]+|\(\s*)\Z"
    ),
)
_PHP = _Language(
    _binds(
        rf"(?:\bconst\s+(?:string\s+|array\s+)?|\$)(?P<name>\w+)\s*=\s*(?P<value>{_LIST}|{_LITERAL})\s*;",
        rf"\bforeach\s*\(\s*(?P<value>{_HELD})\s+as\s+\$(?P<name>\w+)\s*\)",
    ),
    _takes(
        r"Schema::(?:drop|dropIfExists|create|table|rename)|DB::table|dropColumn|"
        r"(?<=->)(?:table|delete|dropTable|truncateTable|renameTable)",
        variable=r"(?:self::|static::|\$this->|\$)\w+",
    ),
    re.compile(r"(?:\b(?:Schema::(?:drop|dropIfExists)|DB::table)|->table)\(\s*\Z"),
)
_CSHARP = _Language(
    _binds(
        rf"\b(?:const|readonly)\s+string\s+(?P<name>\w+)\s*=\s*(?P<value>{_LITERAL})\s*;",
        rf"\bvar\s+(?P<name>\w+)\s*=\s*(?:new\s*\[\]\s*)?(?P<value>{_LIST}|{_LITERAL})\s*;",
        rf"\bforeach\s*\(\s*(?:var|string)\s+(?P<name>\w+)\s+in\s+(?P<value>{_HELD})\s*\)",
    ),
    _takes(r"name|table", r":\s*"),
    re.compile(r"\bDrop\w+\(\s*name:\s*\Z"),
)
_ELIXIR = _Language(
    _binds(
        rf"(?m)^[ \t]*@?(?P<name>[a-z_]\w*)[ \t]*=?[ \t]+(?P<value>{_LIST}|{_LITERAL})[ \t]*$",
        rf"\bfor[ \t(]+(?P<name>\w+)\s*<-\s*(?P<value>{_HELD})",
        rf"\bEnum\.each\(\s*(?P<value>{_HELD})\s*,\s*fn\s+(?P<name>\w+)",
    ),
    _takes(r"table"),
    re.compile(rf"{ECTO_DROP}\(\s*\Z"),
)
_LANGUAGES = {
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue"), _JS),
    **dict.fromkeys(("rb", "rake"), _RUBY),
    **dict.fromkeys(("ex", "exs"), _ELIXIR),
    "php": _PHP,
    "cs": _CSHARP,
}


_MARKER = re.compile(r"held__(\d{1,9})__")
_MOST_SPELLED = 10_000  # more calls than their readers take


class _Written(NamedTuple):
    """A variable that is written as a literal: its marker, what stood there, and what it may hold."""

    marker: str
    source: str
    values: tuple[str, ...]


def with_names(text: str, suffix: str, read: Callable[[str], Iterable[Operation]]) -> Iterator[Operation]:
    """What a reader of calls finds in a text of code, names out of variables written in; comments are blanked already.

    >>> from triage_kit.parse.dsl import dsl_calls
    >>> code = "const GONE = ['a', 'b'];\\nfor (const each of GONE) await knex.schema.dropTable(each);"
    >>> [(each.object, each.text[-16:-1]) for each in dsl_calls(code, "js")]
    [('a', 'dropTable(each)'), ('b', 'dropTable(each)')]
    """
    language = _LANGUAGES.get(suffix)
    written: list[_Written] = []
    if language is not None and any(clue in text for clue in language.clues) and language.takes.search(text):
        text = _spelled(text, language, written)
    for each in read(text):
        yield from _told(each, written)


_Bound = list[tuple[int, tuple[str, ...]]]


def _bindings(text: str, language: _Language) -> dict[str, _Bound]:
    """What each name holds from which place on; a list's name holds all of it."""
    bound: dict[str, _Bound] = {}
    for pattern in language.binds:
        for found in islice(pattern.finditer(text), _MOST):
            values = _values(found["value"], found.start(), bound)
            bound.setdefault(found["name"], []).append((found.start(), values))
    return {name: sorted(each) for name, each in bound.items()}


def _values(written: str, at: int, bound: dict[str, _Bound]) -> tuple[str, ...]:
    if written[:1] in "['\"`:%~":
        inside = written[2:-1] if written[:1] in "%~" else written
        return tuple(islice((_unbraced(each[0]) for each in _ITEM.finditer(inside)), _MOST_VALUES))
    return _held_at(re.split(r"[.>:$@]", written)[-1], at, bound)


def _unbraced(name: str) -> str:
    """A name of Yii's as its reader tells it: {{%orders}} has the prefix of all tables, {{orders}} has not."""
    return name.replace("{{%", "{…}").replace("{{", "")


def _held_at(name: str, at: int, bound: dict[str, _Bound]) -> tuple[str, ...]:
    """What a name holds at a place: what it was given last before it, or at all; nothing where that is not known."""
    given = bound.get(name, [])
    if not given:
        return ()
    last = bisect_left([place for place, _ in given], at) - 1
    return given[last][1] if last >= 0 else given[0][1] if len(given) == 1 else ()


def _spelled(text: str, language: _Language, written: list[_Written]) -> str:
    """The text with variables as literals: first arguments, then second ones behind a literal."""
    for _ in range(2):
        bound = _bindings(text, language)

        def spelled(found: re.Match[str], bound: dict[str, _Bound] = bound) -> str:
            name = re.split(r"[.>:$@]", re.sub(r"\.to_s(?:ym)?\Z", "", found["source"]))[-1]
            values = _held_at(name, found.start(), bound)
            near = max(0, found.start() - _NEAR)
            if not values and not language.destroys.search(found.string, near, found.start("source")):
                return found[0]
            written.append(_Written(f"held__{len(written)}__", found["source"], values or ("{…}",)))
            return f'{found["head"]}"{written[-1].marker}"'

        text = language.takes.sub(spelled, text, count=_MOST_SPELLED)
    return text


def _told(operation: Operation, written: list[_Written]) -> Iterator[Operation]:
    """The operation for each value of the variable that names its object, as the text has it."""
    places = {int(place) for place in _MARKER.findall(f"{operation.object} {operation.text} {operation.renamed}")}
    inside = [written[place] for place in sorted(places) if place < len(written)]
    shown = operation.text
    for each in inside:
        shown = shown.replace(f'"{each.marker}"', each.source)
    of = next((each for each in inside if each.marker in operation.object), None)
    for value in of.values if of else ("",):
        made = replace(operation, text=shown)
        for each in inside:
            held = value if each is of else each.values[0]
            made.object = made.object.replace(each.marker, held)
            made.renamed, made.column = made.renamed.replace(each.marker, held), made.column.replace(each.marker, held)
        yield made
