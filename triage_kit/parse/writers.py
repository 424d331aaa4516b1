"""Frames of Spark that are written over a table by JDBC, in any of its languages.

A writer with the mode ``overwrite`` drops the table and makes it anew, or empties it where its option ``truncate`` is
set: https://spark.apache.org/docs/latest/sql-data-sources-jdbc.html. A writer's calls may stand in any order behind
``write``, and whatever frame stands before it does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.chains import blank_literals, closing
from triage_kit.parse.migration import Operation

_MOST = 200
_STEPS = 60
_TEXT_LIMIT = 4_000
_WRITE = re.compile(r"\.\s*write\b(?:\(\s*\))?(?=[\s\\]*\.)|\bwrite\.jdbc(?=\()")  # the last is SparkR's
_STEP = re.compile(r"(?:[\s\\]|//[^\n]*\n)*\.\s*(?P<name>\w+)")
_OVERWRITES = re.compile(
    r"""(?i)\A\s*(?:saveMode\s*=\s*|mode\s*=\s*)?(?:["']overwrite["']|(?:\w+\.)*SaveMode\.Overwrite)\s*\Z"""
)
_BY_KEYWORD = re.compile(r"""(?i)\bmode\s*=\s*["']overwrite["']""")
_TABLE_OPTION = re.compile(
    r"""(?i)["'](?:dbtable|dbTable)["']\s*,\s*(?P<value>[^,]+?)\s*\Z|\bdbtable\s*=\s*(?P<keyword>[^,()]+)"""
)
_TRUNCATES = re.compile(r"""(?i)["']truncate["']\s*,\s*(?:["']true["']|true)|\btruncate\s*=\s*(?:["']true["']|true)""")
_JDBC = re.compile(r"(?i)jdbc|postgres")
_OTHER = re.compile(r"(?i)jdbc:(?!postgresql)[a-z]+:")
_PLAIN = re.compile(r"""\A[sfr]?["']{1,3}(?P<text>[^"'\n]+)["']{1,3}\Z""")
_HOLE = re.compile(r"\$?\{[^{}]*\}|\$\w+")


def frame_writers(text: str) -> Iterator[Operation]:
    """Operations of the writers in a file of code, its comments blanked or not.

    >>> text = 'df.groupBy("a").count().write.mode("overwrite").format("jdbc").option("dbtable", "m.t").save()'
    >>> [(each.operation, each.object) for each in frame_writers(text)]
    [('drop_table', 'm.t')]
    """
    if "verwrite" not in text.lower() or "jdbc" not in text.lower():
        return
    if _OTHER.search(text) and "postgres" not in text.lower():
        return
    yield from _of_sparklyr(text)
    blanked = blank_literals(text)
    for found in islice(_WRITE.finditer(blanked), _MOST):
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()].lstrip()
        if line.startswith(("#", "//", "*")):
            continue
        made = _written(text, blanked, found)
        if made is not None:
            begin = found.start() + len(found[0]) - len(found[0].lstrip())
            made.line = text.count("\n", 0, begin) + 1
            made.text = _line(text, begin)
            yield made


_SPARKLYR = re.compile(r"\bspark_write_jdbc\(")


def _of_sparklyr(text: str) -> Iterator[Operation]:
    """``spark_write_jdbc(frame, name = "a", mode = "overwrite")`` of R."""
    for found in islice(_SPARKLYR.finditer(text), _MOST):
        given = text[found.end() : found.end() + 1_000].split("\n\n")[0]
        named = re.search(r"""\bname\s*=\s*["']([\w.]+)["']|\A[^,]*,\s*["']([\w.]+)["']""", given)
        if _BY_KEYWORD.search(given):
            name = (named[1] or named[2]) if named else ""
            line = text.count("\n", 0, found.start()) + 1
            yield Operation(line, "", "drop_table", name, text=_line(text, found.start()), how="pattern")


def _written(text: str, blanked: str, found: re.Match[str]) -> Operation | None:
    steps = list(_steps(text, blanked, found))
    kept = re.search(
        r"(?:\A|[\s;])(\w+)\s*(?::\s*\w+\s*)?=[^=\n]*\Z", blanked[max(0, found.start() - 300) : found.start()]
    )
    if kept and (
        later := re.search(rf"\b{kept[1]}(?=\s*\.\s*(?:jdbc|save|mode|option\w*|format)\b)", blanked[found.end() :])
    ):
        steps += _calls(text, blanked, found.end() + later.end())
    names = [name for name, _ in steps]
    if not any(_overwrites(name, given) for name, given in steps) or not {"jdbc", "save"}.intersection(names):
        return None
    if not any(_JDBC.search(given) for name, given in steps if name in ("format", "options", "option")) and (
        "jdbc" not in names
    ):
        return None
    given = next((_table(name, given) for name, given in steps if _table(name, given)), "")
    if not given and "options" in names and len(found_of := _IN_MAP.findall(text)) == 1:
        given = found_of[0].strip()
    empties = any(name in ("option", "options") and _TRUNCATES.search(given) for name, given in steps)
    return Operation(0, "", "truncate" if empties else "drop_table", _value(given, text), how="pattern")


def _steps(text: str, blanked: str, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    """The calls behind ``write`` with their arguments, in order."""
    return _calls(text, blanked, found.end() if found[0].lstrip().startswith(".") else found.end() - len(".jdbc"))


def _calls(text: str, blanked: str, at: int) -> Iterator[tuple[str, str]]:
    for _ in range(_STEPS):
        step = _STEP.match(blanked, at)
        if step is None or not blanked.startswith("(", step.end()):
            return
        closes = closing(blanked, step.end())
        if closes <= step.end():
            return
        yield step["name"], text[step.end() + 1 : closes]
        at = closes + 1


def _overwrites(name: str, given: str) -> bool:
    if name in ("mode", "saveMode"):
        return _OVERWRITES.match(given) is not None
    return name in ("jdbc", "save") and _BY_KEYWORD.search(given) is not None


def _table(name: str, given: str) -> str:
    """The expression that names the table in one call of a writer; empty where it names none."""
    if name in ("option", "options") and (told := _TABLE_OPTION.search(given)):
        return (told["value"] or told["keyword"] or "").strip()
    if name == "jdbc":
        keyed = re.search(r"\b(?:table|tableName)\s*=\s*([^,]+)", given)
        parts = given.split(",")
        return (keyed[1] if keyed else parts[1] if len(parts) > 1 else "").strip()
    if name == "options" and (told := _IN_MAP.search(given)):
        return told[1].strip()
    return ""


_IN_MAP = re.compile(r"""["']dbtable["']\s*(?:->|:|,)\s*([^,)}]+)""")


def _value(expression: str, text: str) -> str:
    """What an expression holds: a literal, or a name that the file gives one literal; a hole for anything else."""
    plain = _PLAIN.match(expression)
    if plain is None and re.fullmatch(r"[\w.]+", expression):
        name = re.escape(expression.rpartition(".")[2])
        held = set(re.findall(rf"""\b{name}\b\s*(?::\s*\w+\s*)?=\s*["']([\w.]+)["']""", text[:50_000]))
        return held.pop() if len(held) == 1 else "{…}"
    return _HOLE.sub("{…}", plain["text"]) if plain else "{…}" if expression else ""


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
