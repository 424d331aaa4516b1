"""SQL and database modules in YAML: Ansible's tasks, arguments of containers, and scripts that a ConfigMap holds.

The text is composed, not constructed: no tag makes an object, and aliases are not written out. A file that is no YAML
(a template, say) gives nothing here; its words are read by ``parse.commands`` all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from triage_kit.parse.code import prose
from triage_kit.parse.commands import DATA_DIRECTORY, command_hits
from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_TEXT = 1 << 20
_TEXT_LIMIT = 4_000
# What stands under such a key is SQL, or begins with it where it is an argument of a program.
_SQL_KEY = re.compile(r"(?i)\A(?:query|queries|sql|statements?|.*\.p?sql)\Z")
_ARGUMENTS = re.compile(r"(?i)\A(?:args|argv|command|cmd|entrypoint)\Z")
_BEGINS = re.compile(r"(?i)\A\s*(?:with|delete\s+from|truncate|drop|alter|update|merge|do|begin)\b")
# Ansible's module: what it does where its state is absent.
_ABSENT = {
    "postgresql_db": "drop_database",
    "postgresql_table": "drop_table",
    "postgresql_schema": "drop_schema",
    "postgresql_ext": "drop_extension",
    "postgresql_tablespace": "drop_tablespace",
}
# Modules that remove what a cluster is kept in.
_HOLDS_DATA = frozenset(("file", "docker_volume", "docker_compose", "docker_compose_v2", "k8s", "rds_instance"))
_DATA = re.compile(rf"(?i)(?:{DATA_DIRECTORY}|\bpg_?data(?:_dir\w*)?\b|postgres\w*_data_?dir\w*)[^/]*/?\Z")
_NAMES = ("name", "table", "database", "schema", "db", "ext", "tablespace")
_PAIR = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S+)")
_HOLE = re.compile(r"\{\{[^}]*\}\}|\$\{[^}]*\}|\$\w+|%\(\w+\)s")
_YES = frozenset(("true", "yes", "on", "1"))


# What a linter or a guard is expected to say of a statement; the text beside it is an example, which nobody runs.
_VERDICT = re.compile(
    r"(?i)[\"']?(?:(?:verdict|classification|(?:is_)?(?:valid|allowed|denied|safe|destructive|dangerous))[\"']?:|"
    r"expect(?:ed|s)?[\"']?:[ \t]*[\"']?(?:refused?|denied|den(?:y|ies)|allow(?:ed)?|"
    r"reject(?:ed)?|block(?:ed)?|forbidden|accept(?:ed)?)\b)"
)
_ITEM = re.compile(r"(?m)^(?P<indent>[ \t]*)- [^\n]*\n?(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)*")


def without_verdicts(text: str) -> str:
    r"""The text with those items of lists blanked that hold a statement together with the verdict expected of it.

    >>> without_verdicts("- sql: DROP TABLE a\n  verdict: refused\n- sql: DROP TABLE b\n").split()
    ['-', 'sql:', 'DROP', 'TABLE', 'b']
    """
    if not _VERDICT_CLUE.search(text):
        return text

    def blanked(item: re.Match[str]) -> str:
        deep = len(item["indent"]) + 2
        judged = any(
            _VERDICT.match(line[deep:]) for line in item[0].splitlines() if not line[deep : deep + 1].isspace()
        )
        return re.sub(r"[^\n]", " ", item[0]) if judged else item[0]

    return _ITEM.sub(blanked, text)


_VERDICT_CLUE = re.compile(r"(?i)verdict|classification|valid|allowed|denied|safe|destructive|dangerous|expect")


def playbook_hits(text: str) -> Iterator[tuple[Operation, int]]:
    """Operations with the last line of the value that tells them, in order of the text.

    >>> [(each.line, each.operation, each.object) for each, _ in playbook_hits("- query: |\\n    TRUNCATE a")]
    [(2, 'truncate', 'a')]
    """
    if len(text) > _MOST_TEXT or not (
        suspicious(text)
        or "absent" in text
        or "--clean" in text
        or any(each in text for each in ("command", "args", "entrypoint"))
    ):
        return
    try:
        documents = list(yaml.compose_all(text, Loader=_Loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    lines = text.split("\n")
    for document in documents:
        yield from _walk(document, "", lines, set())


def _walk(node: yaml.Node | None, key: str, lines: list[str], seen: set[int]) -> Iterator[tuple[Operation, int]]:
    waiting = [(node, key)]
    while waiting:
        each, under = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, yaml.ScalarNode):
            yield from _scalar(each, under, lines)
        elif isinstance(each, yaml.SequenceNode):
            yield from _command(each, under)
            waiting += [(item, under) for item in reversed(each.value)]
        elif isinstance(each, yaml.MappingNode):
            for name, value in reversed(each.value):
                written = name.value if isinstance(name, yaml.ScalarNode) else ""
                yield from _module(written.rsplit(".", 1)[-1], value, name.start_mark.line + 1, lines)
                yield from _state(written, value, under, name.start_mark.line + 1)
                waiting.append((value, written))


def _scalar(node: yaml.ScalarNode, key: str, lines: list[str]) -> Iterator[tuple[Operation, int]]:
    sql, script = _SQL_KEY.match(key) is not None, key.lower().endswith((".sql", ".psql"))
    if not (sql or (_ARGUMENTS.match(key) and _BEGINS.match(node.value))) or not suspicious(node.value):
        return
    if not script and prose(node.value):
        return
    first, last = node.start_mark.line + (2 if node.style in ("|", ">") else 1), node.end_mark.line + 1
    for each in effects(_HOLE.sub("__hole__", node.value)):
        if each.loses and (each.how == "parsed" or (script and each.object)):
            made = Operation.of(each, "", first + (each.line - 1 if node.style == "|" else 0))
            made.object = made.object.replace("__hole__", "{…}")
            made.text = made.text.replace("__hole__", "{…}")
            yield made, last


def _command(node: yaml.SequenceNode, key: str) -> Iterator[tuple[Operation, int]]:
    """What a command does whose words are the items of a list."""
    words = [each.value for each in node.value if isinstance(each, yaml.ScalarNode)]
    if not _ARGUMENTS.match(key) or any("\n" in each for each in words):
        return
    for each in command_hits(" ".join(words)):
        if each.how == "pattern":
            each.line = node.start_mark.line + 1
            yield each, node.end_mark.line + 1


# Salt's states, each with what is gone once it holds.
_GONE = {
    "postgres_database": "drop_database",
    "postgres_schema": "drop_schema",
    "postgres_extension": "drop_extension",
    "postgres_tablespace": "drop_tablespace",
}


def _state(written: str, value: yaml.Node, under: str, line: int) -> Iterator[tuple[Operation, int]]:
    """What one of Salt's states removes: the name is its own, or the key that it stands under."""
    module, _, function = written.partition(".")
    if module not in _GONE or function != "absent":
        return
    listed = value.value if isinstance(value, yaml.SequenceNode) else ()
    given = {key: each for one in listed for key, each in _parameters(one).items()}
    named = _HOLE.sub("{…}", given.get("name", under))
    shown = f"{written}: {named}"
    yield Operation(line, "", _GONE[module], named, text=shown, how="pattern"), value.end_mark.line + 1


def _module(name: str, value: yaml.Node, line: int, lines: list[str]) -> Iterator[tuple[Operation, int]]:
    """What one of Ansible's modules removes of PostgreSQL, told by its parameters."""
    if name not in _ABSENT and name not in _HOLDS_DATA:
        return
    given = _parameters(value)
    if name in _HOLDS_DATA and not _removes_data(name, given):
        return
    named = next((given[each] for each in _NAMES if each in given), "") if name != "file" else ""
    operation = _ABSENT.get(name, "drop_database") if given.get("state") == "absent" else ""
    if name == "postgresql_db" and given.get("state") == "restore" and "--clean" in given.get("target_opts", ""):
        operation = "drop_table"
    if name == "postgresql_table" and given.get("truncate", "").lower() in _YES:
        operation = "truncate"
    if operation:
        cascade = given.get("cascade_drop", given.get("cascade", "")).lower() in _YES
        shown = lines[line - 1].strip()[:_TEXT_LIMIT]
        hole = _HOLE.sub("{…}", named)
        yield Operation(line, "", operation, hole, cascade=cascade, text=shown, how="pattern"), value.end_mark.line + 1


def _removes_data(name: str, given: dict[str, str]) -> bool:
    """Whether a module that removes files, volumes or instances removes what holds a cluster."""
    if name == "file":
        return _DATA.search(given.get("path") or given.get("dest") or given.get("name") or "") is not None
    if name.startswith("docker_compose"):
        return given.get("remove_volumes", "").lower() in _YES
    return name != "k8s" or given.get("kind", "").lower() in ("persistentvolumeclaim", "persistentvolume", "pvc", "pv")


def _parameters(value: yaml.Node) -> dict[str, str]:
    if isinstance(value, yaml.ScalarNode):
        return {key: each.strip("\"'") for key, each in _PAIR.findall(value.value)}
    if not isinstance(value, yaml.MappingNode):
        return {}
    return {
        name.value: each.value
        for name, each in value.value
        if isinstance(name, yaml.ScalarNode) and isinstance(each, yaml.ScalarNode)
    }
