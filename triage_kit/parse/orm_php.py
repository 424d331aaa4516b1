"""Calls of PHP: Eloquent and Laravel's query builder, Doctrine, Phinx and CakePHP, Yii."""

from __future__ import annotations

import re

from triage_kit.parse.chains import Call
from triage_kit.parse.orm_rules import FIRST, Rule, Told, limited, mentions, named

_PHP_TABLE = re.compile(r"(?:::|->)table\(\s*['\"]([\w.]+)['\"]")
_ELOQUENT = re.compile(
    r"(?:\A|[\s\\(])([A-Z]\w*)::(?:query|where\w*|orWhere\w*|withTrashed|onlyTrashed|withoutGlobalScopes?|newQuery|"
    r"latest|oldest|has|doesntHave|select)\("
)
_PHP_HELPERS = frozenset(
    ("Str", "Storage", "Cache", "File", "Log", "Arr", "Session", "Cookie", "Redis", "Queue", "Auth")
)


def _php_rows(call: Call, text: str) -> Told | None:
    table = call.name(_PHP_TABLE) or call.name(_ELOQUENT) or _of_loop(call, text)
    if not table:
        return _dbal(call) or _of_repository(call, text)
    if "truncate" in call.found[0]:
        return Told("truncate", table)
    return Told("delete", table, limited(call))


def _of_loop(call: Call, text: str) -> str:
    """The table or class whose rows a loop or a closure goes through: ``foreach (Order::all() as $order)``."""
    row = re.match(r"\s*(\$\w+)(?:->each)?\s*\Z", call.chain)
    if row is None:
        return ""
    name, before = re.escape(row[1]), text[max(0, call.found.start() - _NEAR) : call.found.start()]
    given = rf"\bforeach\s*\((?P<all>[^;{{}}]{{1,400}}?)\s+as\s+(?:\$\w+\s*=>\s*)?{name}\s*\)"
    closed = (
        r"(?P<some>[^;{}]{1,400}?)->(?:each|chunk\w*|lazy\w*)\([^;{}()]{0,80}"
        rf"\b(?:fn|function)\s*\(\s*(?:\w+\s+)?{name}\b"
    )
    found = [each["all"] if "all" in each.groupdict() else each["some"]
             for pattern in (given, closed) for each in re.finditer(pattern, before)]  # fmt: skip
    source = found[-1].strip() if found else ""
    told = _PHP_TABLE.search(source) or _ELOQUENT.search(source)
    return told[1] if told else ""


_NEAR = 1_500
_ENTITY = re.compile(r"\b__construct\(\s*\$\w+\s*,\s*(?:\w+\\)*(\w+)::class\s*\)")


def _of_repository(call: Call, text: str) -> Told | None:
    """``$this->createQueryBuilder('o')->delete()`` of one of Doctrine's repositories, which says whose it is."""
    own = call.name(_ENTITY, text) if re.search(r"\$this->createQueryBuilder\([^()]*\)\Z", call.chain) else ""
    return Told("delete", own, limited(call)) if own and not call.arguments.strip() else None


def _dbal(call: Call) -> Told | None:
    """Doctrine's ``$conn->delete('a', […])`` and ``createQueryBuilder()->delete(A::class, 'a')``."""
    told = FIRST.match(call.arguments)
    if told is None or not re.search(
        r"(?i)(?:conn(?:ection)?|db|createQueryBuilder\(\)|qb|wpdb)\Z", call.chain.strip()
    ):
        return None
    name = next(each for each in told.groups() if each).rsplit("\\", 1)[-1]
    return Told("delete", name, "," in call.arguments or limited(call))


def _static(call: Call, text: str) -> Told | None:
    name = call.found["name"]
    if name in _PHP_HELPERS:
        return None
    return Told("truncate", name) if "truncate" in call.found[0] else Told("delete", name, True)


def _php_column(call: Call, text: str) -> Told | None:
    if (table := _YII_TABLE.match(call.arguments)) and (
        own := re.match(r"\s*,\s*['\"](\w+)['\"]", call.arguments[table.end() :])
    ):
        return Told("drop_column", f"{'{…}' if table[1] else ''}{table[2] or table[3]}.{own[1]}")
    before = re.findall(r"Schema::table\(\s*['\"]([\w.]+)['\"]", text[: call.found.start()])
    column = call.name(re.compile(r"['\"](\w+)['\"]"), call.arguments)
    return Told("drop_column", ".".join(filter(None, (before[-1] if before else "", column)))) if column else None


# Yii writes {{%orders}} for orders with the prefix of all tables, and {{orders}} without it.
_YII_TABLE = re.compile(r"\s*['\"](?:\{\{(%?)([\w.]+)\}\}|([\w.]+))['\"]")
_YII_DOES = {"truncateTable": "truncate", "dropTable": "drop_table", "renameTable": "rename_table", "delete": "delete"}


def _yii(call: Call, text: str) -> Told | None:
    """What a migration or a command of Yii does: ``$this->truncateTable('{{%orders}}')``."""
    table = _YII_TABLE.match(call.arguments)
    if table is None or not (mentions(text, "yii") or "{{" in table[0]):
        return None
    name = f"{{…}}{table[2]}" if table[1] else table[2] or table[3]
    operation = _YII_DOES[call.found["what"]]
    return Told(operation, name, "," in call.arguments[table.end() :] if operation == "delete" else None)


_PHINX_TABLE = re.compile(r"->table\(\s*['\"]([\w.]+)['\"]")
_PHINX_DOES = {"removeColumn": "drop_column", "drop": "drop_table", "rename": "rename_table",
               "renameTable": "rename_table", "changeColumn": "alter_column_type"}  # fmt: skip


def _phinx(call: Call, text: str) -> Told | None:
    """What Phinx and CakePHP do to ``$this->table('a')``, or to the variable that holds it."""
    if not re.search(r"\b(?:Abstract|Base)(?:Migration|Seed)\b", text):
        return None
    table = call.name(_PHINX_TABLE)
    if not table and (begins := re.match(r"\s*(\$\w+)", call.chain)):
        held = re.findall(rf"{re.escape(begins[1])}\s*=\s*\$this{_PHINX_TABLE.pattern}", text[: call.found.start()])
        table = held[-1] if held else ""
    if not table:
        return None
    operation, column = _PHINX_DOES[call.found["what"]], call.name(FIRST, call.arguments)
    wider = re.search(r",\s*['\"](?:text|string|biginteger|jsonb)['\"]\s*(?:,|\Z)", call.arguments)
    if operation == "alter_column_type":
        return None if wider else Told(operation, f"{table}.{column}")
    return Told(operation, f"{table}.{column}" if operation == "drop_column" else table)


def _doctrine_table(call: Call, text: str) -> Told | None:
    """``$schema->dropTable('a')`` of Doctrine, and Phinx's of old; Yii's is read above."""
    yii = _YII_TABLE.match(call.arguments) and mentions(text, "yii")
    return None if yii else Told("drop_table", call.name(FIRST, call.arguments))


RULES = [
    Rule("able", re.compile(r"->(?P<what>removeColumn|drop|rename|renameTable|changeColumn)\b(?=\()"), _phinx),
    Rule("dropTable", re.compile(r"\$(?:schema|this)->dropTable\b(?=\()"),
          _doctrine_table),
    Rule("Table", re.compile(r"(?:\$this|createCommand\([^()]*\))->(?P<what>(?:truncate|drop|rename)Table)\b(?=\()"),
          _yii),
    Rule("delete", re.compile(r"(?:\$this|createCommand\([^()]*\))->(?P<what>delete)\b(?=\()"), _yii),
    Rule("deleteAll", re.compile(r"\b(?P<name>[A-Z]\w*)::deleteAll\b(?=\()"),
          lambda call, text: Told("delete", call.found["name"], bool(call.arguments.strip()))),
    Rule("Prunable", re.compile(r"\bclass\s+(?P<name>[A-Z]\w*)[^{]*\{(?=[^{}]*\buse\s[^;{}]*\b(?:Mass)?Prunable\b)"),
          named("delete", bounded=True)),
    Rule("->", re.compile(r"->(?:delete|forceDelete|truncate)\b(?=\()"), _php_rows),
    Rule("::", re.compile(r"\b(?P<name>[A-Z]\w*)::(?:truncate|destroy)\b(?=\()"), _static),
    Rule("Schema", re.compile(r"\bSchema::(?:drop|dropIfExists)\b(?=\()"), named("drop_table")),
    Rule("dropAll", re.compile(r"\bSchema::dropAll\w+\b"), named("drop_table")),
    Rule("dropColumn", re.compile(r"->dropColumn\b(?=\()"), _php_column),
    Rule("dropColumns", re.compile(r"\bSchema::dropColumns\b(?=\()"), named("drop_column")),
    Rule("Schema", re.compile(r"\bSchema::rename\b(?=\()"), named("rename_table")),
    Rule("chema", re.compile(r"(?i)\$\w*schemaTool->(?:dropSchema|dropDatabase)\b"), named("drop_table")),
]  # fmt: skip
