"""What the files of a repository, migrations left out, could do to data: one door to the readers of each language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse import jinja
from triage_kit.parse.calls import python_calls
from triage_kit.parse.chains import blank_literals, closing
from triage_kit.parse.code import kept_statements, literal_hits, only_held, told
from triage_kit.parse.commands import command_hits, uncommented
from triage_kit.parse.dsl import dsl_calls
from triage_kit.parse.dsl import uncommented as uncommented_code
from triage_kit.parse.embedded import embedded
from triage_kit.parse.entries import entry_hits
from triage_kit.parse.etl import SUFFIXES as ETL
from triage_kit.parse.etl import etl_hits, mapper_hits
from triage_kit.parse.fixtures import fixture_hits
from triage_kit.parse.held_names import with_names
from triage_kit.parse.hiding import hidings
from triage_kit.parse.loaders import loader_hits
from triage_kit.parse.made import without_made
from triage_kit.parse.migration import Operation
from triage_kit.parse.orm import orm_calls
from triage_kit.parse.other_languages import SUFFIXES as OTHERS
from triage_kit.parse.other_languages import plain_literals, without_comments
from triage_kit.parse.pgloader import pgloader_hits
from triage_kit.parse.playbooks import playbook_hits, without_verdicts
from triage_kit.parse.puppet import puppet_hits
from triage_kit.parse.removals import removals
from triage_kit.parse.rest import rest_hits
from triage_kit.parse.temporary import without_scratch
from triage_kit.parse.throwaway import of_its_service, throwaway
from triage_kit.parse.undone import without_undone
from triage_kit.parse.vehicles import name_of, runs_tests, schedule, vehicle
from triage_kit.parse.writers import frame_writers
from triage_kit.sql import OPERATIONS, Effect, effects, suspicious

_SHELL_NAMES = re.compile(
    r"(?i)\A(?:(?:makefile|gnumakefile|justfile|jenkinsfile|procfile)(?:\.\w+)?|dockerfile.*|crontab.*|package\.json|composer\.json|"
    r".*\.(?:sh|bash|zsh|ps1|bat|cmd|mk|ya?ml|sls|cron|crontab|service|timer|toml|ini|cfg|properties|tf|hcl|j2|env\.example))\Z"
)
# Languages whose comments begin otherwise than C's.
_LINE_COMMENTS = {"clj": ";", "cljs": ";", "cljc": ";", "hs": "--", "erl": "%", "r": "#", "jl": "#"}
_CODE = frozenset(
    (
        *("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "go", "java", "kt", "scala", "php", "cs", "rs", "ex", "exs"),
        *("pl", "pm", "lua", "groovy", "swift", "c", "cc", "cpp", "kts", "dart", "fs", "vb"),
        *_LINE_COMMENTS,
        *OTHERS,
    )
)
_SQL = frozenset(("sql", "psql", "pgsql", "ddl", "sq"))
_LABEL = re.compile(r"(?m)^\w+:[ \t]*$")  # SQLDelight's names of statements
_XML = frozenset(("xml", "item", "config", "csproj", "proj", "bpmn"))
_RUBY = frozenset(("rb", "rake"))
_RUBY_NAMES = frozenset(("Rakefile", "Gemfile"))
# One of these stands in every file that any reader finds something in.
_WORDS = (
    "delete truncat drop update merge alter detach clean reset wipe flush purge volume vacuum cluster refresh "
    "conflict down zero revert rollback pgdata fresh undo sync gexec \\i pvc reassign lo_unlink prune schema:load "
    "replica dblink cron.schedule ddl-auto ddl_auto hbm2ddl destroy .del( removeby absent dropschema force: "
    "overwrite removecolumn remove_column remove-column removetable remove_table remove-table removeall remove_all "
    "testfixture activefixture cleartable clear_table clearall clear_all emptytable empty_table erase nuke trash"
)
_CLUES = tuple(_WORDS.encode().split())
MOST_HITS = 500  # of one file: a fixture of thousands of DELETEs is one finding


@dataclass(frozen=True)
class Hit:
    """One row of code_hits, its vehicle told by the file alone."""

    line: int
    vehicle: str
    kind: str
    operation: str
    object: str | None
    loses: str
    bounded: bool | None
    cascade: bool
    name: str | None
    schedule: str | None
    text: str
    how: str


def readable(path: str) -> bool:
    """Whether a file of this name is of a kind that is read here."""
    place = PurePosixPath(path)
    suffix = place.suffix.lstrip(".").lower()
    return (
        suffix in _CODE
        or suffix in _RUBY
        or suffix in ("py", "ipynb", "json", "pp", "load", "http", "rest", *_SQL, *_XML, *ETL)
        or place.name in _RUBY_NAMES
        or bool(_SHELL_NAMES.match(place.name))
        or _crons(place)
        or (not suffix and bool({"bin", "scripts", "script"} & set(place.parts[:-1])))
    )


def _crons(place: PurePosixPath) -> bool:
    """Whether cron reads the file: it lies in a folder that is called so, or its name begins with it."""
    return "/cron." in f"/{place}" or (not place.suffix and place.parent.name in ("cron", "crons"))


def promising(data: bytes) -> bool:
    """Whether the bytes hold a word without which nothing is found: cheap, and often wrongly yes."""
    lowered = data.lower()
    return any(clue in lowered for clue in _CLUES)


def read_hits(text: str, path: str) -> list[Hit]:
    """Every line of a file that could lose data, in order.

    >>> [(each.line, each.vehicle, each.operation, each.object) for each in read_hits("DELETE FROM a;", "tools/a.sql")]
    [(1, 'script', 'delete', 'a')]
    """
    found: dict[tuple, tuple[Operation, str]] = {}
    started_by = vehicle(path, text)
    if path.endswith(".rs"):
        text = _without_tests(text)
    if _is_code(path) and throwaway(text, started_by == "test_run"):
        return []
    if of_its_service(text, path):
        return []
    operations: Iterable[Operation] = _operations(text, path)
    if _is_code(path):
        operations = without_undone(_with_removals(list(operations), text, path), text)
        if not path.endswith((".py", ".ipynb")):
            operations = without_scratch(operations, text)
        if any(each.operation in ("create_table", "create_schema", "add_column") for each in operations):
            operations = without_made(operations, text, started_by == "test_run")
    for each in operations:
        loses = loses_of(each)
        if loses:
            found.setdefault((each.line, each.operation, each.object), (each, loses))
    if not found:
        return []
    hits, lines = [], text.splitlines()
    for each, loses in sorted(found.values(), key=lambda pair: pair[0].line)[:MOST_HITS]:
        kind = "orm" if each.how == "python" or (each.how == "pattern" and _is_code(path)) else "tool"
        name = name_of(path, lines, each.line)
        hits.append(
            Hit(
                each.line,
                "test_run" if runs_tests(path, name) else started_by,
                "sql" if each.how in ("parsed", "tokens") else kind,
                each.operation,
                each.object or None,
                loses,
                each.bounded,
                each.cascade,
                name,
                schedule(path, text, each.line) if started_by == "scheduled_job" else None,
                each.text,
                each.how,
            )
        )
    return hits


def _with_removals(found: list[Operation], text: str, path: str) -> list[Operation]:
    """The operations with those that only the names of calls tell, on lines of which nothing else is known."""
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    if suffix == "ipynb":
        return found
    lines = {each.line for each in found if each.operation != "create_table"}
    told = {(each.operation, each.object) for each in found}
    general = [*removals(text, path), *hidings(text, path)]
    return found + [each for each in general if each.line not in lines and (each.operation, each.object) not in told]


def loses_of(operation: Operation) -> str:
    """What an operation loses, as sql.Effect.loses tells it of a statement."""
    if operation.harmless or operation.operation == "rename_column":  # which keeps its values, as in SQL
        return ""
    if operation.loses or (operation.how in ("parsed", "tokens") and operation.text):
        return operation.loses
    known = OPERATIONS.get(operation.operation)
    if known is None:
        return ""
    return Effect(operation.operation, operation.object, bounded=operation.bounded, cascade=True).loses


def _without_tests(text: str) -> str:
    """A module of Rust with the tests at its end blanked, where these reach no database that anybody keeps."""
    begins = text.find("#[cfg(test)]")
    tests = text[begins:] if begins >= 0 else ""
    return text[:begins] + re.sub(r"[^\n]", " ", tests) if tests and throwaway(tests, True) else text


def _is_code(path: str) -> bool:
    suffix = PurePosixPath(path).suffix.lstrip(".").lower()
    return suffix in _CODE or suffix in _RUBY or suffix in ("py", "ipynb")


def counted_in_literals(path: str) -> bool:
    """Whether the statements of such a file stand in literals that are found by their marks, up to a number of them."""
    return PurePosixPath(path).suffix.lstrip(".").lower() in _CODE


def _operations(text: str, path: str) -> Iterator[Operation]:
    place = PurePosixPath(path)
    suffix = place.suffix.lstrip(".").lower()
    if suffix in _SQL:
        text = _LABEL.sub("", text) if suffix == "sq" else text
        yield from _of_sql(text)
    elif suffix == "ipynb":
        yield from _notebook(text)
    elif suffix == "py":
        yield from _python(text)
    elif suffix in _RUBY or place.name in _RUBY_NAMES:
        yield from dsl_calls(text, "rb")
        yield from command_hits(text)
    elif suffix in _CODE:
        if suffix in ("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue"):
            yield from (each for each in dsl_calls(text, suffix) if each.how == "pattern")
        else:
            yield from with_names(uncommented_code(text, suffix), suffix, lambda written: orm_calls(written, suffix))
        yield from frame_writers(text)
        yield from rest_hits(text)
        yield from literal_hits(plain_literals(_without_comments(text, suffix), suffix))
        if suffix == "php":
            yield from fixture_hits(text)
        if "exec" in text or "spawn" in text or "Artisan" in text:
            yield from _of_shell(text)
        yield from _of_psql(text)
    elif suffix in ("yml", "yaml", "sls"):
        yield from _with_entries(list(_yaml(text)), text, suffix)
        if _CODECEPTION.search(place.name):
            yield from _codeception(text)
    elif suffix == "load":
        yield from pgloader_hits(text)
    elif suffix == "pp":
        yield from puppet_hits(text)
    elif suffix in ETL:
        yield from etl_hits(text)
    elif suffix in _XML:
        suffix = "xml"
        told = list(mapper_hits(text))
        told += _of_shell(_XML_COMMENT.sub(_blanked, text))
        yield from _with_entries(told, text, suffix)
    elif suffix == "json" and place.name not in ("package.json", "composer.json"):
        if not _TRANSLATES.search(path):
            yield from _with_entries([*rest_hits(text), *loader_hits(text)], text, suffix)
    elif suffix in ("http", "rest"):
        yield from rest_hits(text)
    elif suffix == "toml":
        yield from _with_entries(list(command_hits(text)), text, suffix)
    else:
        yield from command_hits(text)
        yield from _handed_on(text)


def _handed_on(text: str) -> Iterator[Operation]:
    """What the code does that command lines hand to an interpreter."""
    for suffix, code, first in embedded(uncommented(text)):
        for each in _with_removals(list(_operations(code, f"code.{suffix}")), code, f"code.{suffix}"):
            yield replace(each, line=each.line + first - 1)


# Folders of what an interface says, in each of its languages.
_TRANSLATES = re.compile(r"(?i)(?:\A|/)(?:locales?|i18n|translations?|lang|langs|l10n)/")


def _with_entries(found: list[Operation], text: str, suffix: str) -> Iterator[Operation]:
    """The operations with those of entries that nothing else has told."""
    yield from found
    told = {(each.operation, each.object) for each in found}
    yield from (each for each in entry_hits(text, suffix) if (each.operation, each.object) not in told)


def _without_comments(text: str, suffix: str) -> str:
    sign = _LINE_COMMENTS.get(suffix)
    if suffix in OTHERS and sign is None:
        return without_comments(text, suffix)
    text = re.sub(rf"(?m)^([ \t]*){sign}.*$", r"\1", text) if sign else text
    return _without_forms(text) if sign == ";" else text


_UNREAD = re.compile(r"\(comment\b|#_\s*(?=\()")


def _without_forms(text: str) -> str:
    """Clojure with the forms blanked that are never run: ``(comment …)`` and what ``#_`` stands before."""
    blanked = blank_literals(text)
    for found in islice(_UNREAD.finditer(blanked), MOST_HITS):
        opens = found.start() if blanked[found.start()] == "(" else found.end()
        closes = closing(blanked, opens)
        text = text[:opens] + re.sub(r"[^\n]", " ", text[opens:closes]) + text[closes:]
    return text


# No possessive quantifier here: Python 3.11.2 takes one around a group with alternatives for another.
_TAG = re.compile(r"\{%(?:[^%]|%(?!\}))*%\}|\{\{(?:\{\{[^{}]*\}\}|[^}]|\}(?!\})){0,2000}\}\}")


def _of_sql(text: str) -> Iterator[Operation]:
    """The effects of a file of SQL, and of one that is a template."""
    plain = jinja.rendered(text)
    found = list(effects(plain))
    for each in found:
        if plain == text or each.how == "parsed" or each.object:  # what a template leaves broken may be no statement
            made = Operation.of(each, "", each.line)
            made.object, made.text = (told.replace(jinja.HOLE, "{…}") for told in (made.object, made.text))
            yield made
    told = {(each.operation, each.object.replace(jinja.HOLE, "{…}")) for each in found}
    yield from (each for each in _templated(text) if (each.operation, each.object) not in told)


# What a statement in a literal of a template hangs on.
_CONDITION = re.compile(r"\{%(?:[^%]|%(?!\}))*%\}")


def _templated(text: str) -> Iterator[Operation]:
    """SQL in the tags of a template, which dbt's macros and hooks run."""
    for tag in islice(_TAG.finditer(text), MOST_HITS) if "{%" in text or "{{" in text else ():
        first = text.count("\n", 0, tag.start())
        plain = re.sub(r"(?<=[\s\"'])\{\{\s*this\s*\}\}", "__hole__", tag[0])
        plain = _CONDITION.sub("", plain) if plain.startswith("{{") else plain
        yield from (replace(each, line=each.line + first) for each in literal_hits(plain))


def _yaml(text: str) -> Iterator[Operation]:
    """The commands of a YAML text, and the SQL in its values that no command line shows."""
    text = without_verdicts(text)
    found = [*command_hits(text), *loader_hits(text), *_handed_on(text)]
    yield from found
    for each, last in playbook_hits(text):
        same = (
            (each.operation, each.object) == (other.operation, other.object)
            for other in found
            if each.line <= other.line <= last
        )
        if not any(same):
            yield each


_CODECEPTION = re.compile(r"\Acodeception(?:\.dist)?\.ya?ml\Z|\.suite(?:\.dist)?\.ya?ml\Z")
_CLEANS = re.compile(
    r"(?m)^(?P<indent>[ \t]*)(?:- )?Db:[ \t]*\n(?:(?P=indent)[ \t]+.*\n)*?(?P=indent)[ \t]+cleanup:[ \t]*true\b"
)


def _codeception(text: str) -> Iterator[Operation]:
    """Codeception's module Db with ``cleanup``: each schema is dropped before its dump is loaded."""
    for found in _CLEANS.finditer(text if text.endswith("\n") else text + "\n"):
        shown = found[0].splitlines()[-1].strip()
        yield Operation(text.count("\n", 0, found.end()) + 1, "", "drop_table", "", text=shown, how="pattern")


_XML_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_COMMAND_LINE = re.compile(
    r"`(?P<tick>[^`]*\bpsql\b[^`]*)`|\"(?P<double>(?:[^\"\\\n]|\\.)*)\"|'(?P<single>(?:[^'\\\n]|\\.)*)'"
)


def _blanked(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _of_psql(text: str) -> Iterator[Operation]:
    """The SQL of command lines that code keeps as literals and hands to a shell."""
    if not re.search(r"[\"'`][^\"'`\n]*\bpsql\s", text):
        return
    for found in islice(_COMMAND_LINE.finditer(text), 10 * MOST_HITS):
        written = next(each for each in found.groups() if each is not None)
        if "psql " not in written or not suspicious(written) or told(text, found.start()):
            continue
        if only_held(text, found.start(), found.end()):
            continue
        first = text.count("\n", 0, found.start())
        for each in command_hits(written.replace('\\"', '"').replace("\\'", "'")):
            yield replace(each, line=each.line + first)


def _of_shell(text: str) -> Iterator[Operation]:
    return (each for each in command_hits(text) if each.how == "pattern")


def _python(text: str) -> Iterator[Operation]:
    try:
        found = list(python_calls(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield from literal_hits(text)
        return
    found += [*frame_writers(text), *rest_hits(text)]
    yield from found
    told = {(each.operation, each.object) for each in found}
    yield from (each for each in kept_statements(text) if (each.operation, each.object) not in told)
    if re.search(r"\bsubprocess\b|\bos\.system\b|\bsh\.|\brun\(", text):
        lines = {each.line for each in found}
        flat = re.sub(r"""["']\s*,\s*["']""", " ", text) if "subprocess" in text else text
        yield from (each for each in command_hits(flat) if each.line not in lines)
    elif "psql" in text:
        yield from _of_psql(text)


def _notebook(text: str) -> Iterator[Operation]:
    try:
        cells = json.loads(text.removeprefix("\ufeff"))["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        for each in _cell(source):
            written = source.splitlines()[each.line - 1 : each.line]
            at = text.find(json.dumps(written[0])[1:-1]) if written else -1
            yield replace(each, line=text.count("\n", 0, at) + 1 if at >= 0 else 1)


def _cell(source: str) -> Iterator[Operation]:
    if magic := re.match(r"\s*%%sql\b[^\n]*\n", source):
        first = source.count("\n", 0, magic.end())
        yield from (Operation.of(each, "", each.line + first) for each in effects(source[magic.end() :]))
        return
    plain = re.sub(r"(?m)^\s*[%!].*$", "", source)
    with_magic = "\n".join(re.findall(r"(?m)^\s*%sql\s+(.*)$", source))
    if suspicious(with_magic):
        yield from (Operation.of(each, "", 1) for each in effects(with_magic))
    yield from _python(plain)
    yield from command_hits("\n".join(re.findall(r"(?m)^\s*!(.*)$", source)))


def starting(path: str) -> bool:
    """Whether a file of this name may start others: a shell's, a job's or a build's."""
    place = PurePosixPath(path)
    return bool(_SHELL_NAMES.match(place.name)) or _crons(place)


def started_files(text: str, path: str) -> Iterator[tuple[str, int]]:
    """Files that the lines of a shell-like file name, as they are written there, each with its line.

    Python's modules and Django's commands are named without their suffix.

    >>> list(started_files("args: [python, -m, shop.jobs.purge]\\nrun: manage.py close_year", "deploy/cron.yaml"))
    [('shop/jobs/purge.py', 1), ('manage.py', 2), ('management/commands/close_year.py', 2)]
    """
    if not starting(path):
        return
    for number, line in enumerate(uncommented(text).splitlines(), 1):
        for word in _FILE.findall(line):
            yield word, number
        for module in _MODULE.findall(line):
            yield f"{module.replace('.', '/')}.py", number
        for command in _COMMAND.findall(line):
            yield f"management/commands/{command}.py", number


_FILE = re.compile(
    r"[\w./-]*[\w-]+\.(?:sh|bash|py|sql|psql|rb|js|ts|php|pl|ktr|kjb|hpl|hwf|dtsx)\b|(?:scripts?|bin)/[\w./-]+"
)
_MODULE = re.compile(r"""\bpython[\d.]*["',\s]+(?:-\w+["',\s]+)*?-m["',\s]+(\w+(?:\.\w+)+)""")
_COMMAND = re.compile(r"""\b(?:manage\.py|django-admin)["',\s]+([a-z]\w+)""")


def as_row(hit: Hit) -> dict:
    """The hit as a row of code_hits, its place left to the collector."""
    return dict(vars(hit))
