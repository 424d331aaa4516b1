"""Calls of JavaScript: Prisma, Sequelize, Knex, Objection, Supabase, TypeORM, Drizzle, Kysely, MikroORM."""

from __future__ import annotations

import re
from functools import lru_cache

from triage_kit.parse.chains import Call
from triage_kit.parse.orm_rules import FIRST, Rule, Told, limited, mentions, named

_PRISMA_OWNER = re.compile(r"(?:\A|[.\s!])(?:prisma\w*|tx|trx|db|client|\w*[pP]risma\w*)[.?]+(\w+)\Z")
_SEQUELIZE_OWNER = re.compile(r"(?:\A|[.\s])((?:[A-Z]\w*)|(?<=models\.)\w+)\Z")
_EMPTY = re.compile(r"\A\s*(?:\{\s*(?:where\s*:\s*\{\s*\}\s*,?\s*)?\}\s*)?\Z")
_TABLE_CALL = re.compile(
    r"(?:(?:\A|[.\s])(?:knex|k|db|trx|tx|conn|connection|pg|qb|\w*[kK]nex\w*)|\.(?:from|table|into|withSchema\([^)]*\)))"
    r"\(\s*['\"`]([\w.]+)['\"`]\s*\)"
)
_ONE_NAME = re.compile(r"\(\s*['\"`][\w.]+['\"`]\s*\)")
_QUERY_OWNER = re.compile(r"\A([A-Z]\w*)\.query\(")
_REPOSITORY = re.compile(
    r"getRepository\(\s*(\w+)\s*\)\Z|(?:\A|\.)(\w+)(?:Repository|Repo)\Z|\A(?:this\.)?(?:repository|repo)()\Z"
)


def _prisma(call: Call, text: str) -> Told | None:
    if not mentions(text, "prisma") and (mentions(text, "mongo") or call.arguments.strip(" {}\n")):
        return None
    owner = call.name(_PRISMA_OWNER)
    return Told("delete", owner, not _EMPTY.match(call.arguments)) if owner else None


def _sequelize(call: Call, text: str) -> Told | None:
    owner = call.name(_SEQUELIZE_OWNER)
    if not owner or not re.search(r"\b(?:where|truncate)\b", call.arguments):
        return None
    return Told(
        "delete", owner, not (re.search(r"\btruncate\s*:\s*true", call.arguments) or _EMPTY.match(call.arguments))
    )


def _builder(call: Call, text: str) -> Told | None:
    """Knex's and Objection's ``del()``, ``delete()`` and ``truncate()``, and Supabase's ``from('a').delete()``."""
    if "storage" in call.chain or (call.arguments.strip() and not mentions(text, "supabase")):
        return None
    table = call.name(_TABLE_CALL) or call.name(_QUERY_OWNER)
    if not table:
        return None
    if "truncate" in call.found[0]:
        return Told("truncate", table)
    return Told(
        "delete", table, limited(call) or bool(re.match(r"\s*\.\s*(?!select|then|returning)\w", call.following))
    )


def _entity(call: Call, text: str) -> str | None:
    """The class of a repository of TypeORM, told by its type or by its name; None where there is none."""
    owner = re.search(r"(\w+)\s*\Z", call.chain)
    typed = re.search(rf"\b{owner[1]}\s*[?!]?:\s*Repository<(?:\w+\.)*(\w+)>", text) if owner else None
    if typed:
        return typed[1]
    told = _REPOSITORY.search(call.chain)
    name = next((each for each in told.groups() if each), "") if told else None
    return name[:1].upper() + name[1:] if name is not None else None


def _names_table(text: str) -> bool:
    """Whether ``_builder`` can find a table in a text."""
    return ".query(" in text or _ONE_NAME.search(text) is not None


def _has_repository(text: str) -> bool:
    """Whether ``_entity`` can find one in a text: its names end so."""
    return "epo" in text


def _typeorm(call: Call, text: str) -> Told | None:
    every = bool(_EMPTY.match(call.arguments))
    if "delete" in call.found[0] and (not call.arguments.strip() or _ONE_ID.search(call.arguments)):
        return None
    entity = _entity(call, text)
    if entity is None or (not every and not mentions(text, "typeorm") and "Repository<" not in text):
        return None
    return Told("truncate", entity) if "clear" in call.found[0] else Told("delete", entity, not every)


# One row, that its key picks.
_ONE_ID = re.compile(r"(?:\A|,)\s*(?:\{\s*id\s*(?::\s*[\w.]+\s*)?\}|(?:\w+\.)*(?:id|\w+Id)|\d+|['\"][\w-]+['\"])\s*\Z")


def _typeorm_soft(call: Call, text: str) -> Told | None:
    """``softDelete(…)`` of a repository, a manager that is given the class, or a query builder: the rows are hidden."""
    given = re.match(r"\s*([A-Z]\w*)\s*,", call.arguments)
    builder = re.search(r"\.createQueryBuilder\([^()]*\)\s*\Z", call.chain)
    owner = call._replace(chain=call.chain[: builder.start()]) if builder else call
    entity = given[1] if given else _entity(owner, text)
    if (entity is None and not builder) or _ONE_ID.search(call.arguments):
        return None
    return Told("update", entity or "", bool(call.arguments.strip()) or limited(call), "visibility", ("deletedAt",))


def _typeorm_builder(call: Call, text: str) -> Told | None:
    """``createQueryBuilder().delete()``, of the class that ``from(…)`` or the repository names."""
    before = re.search(r"\.?createQueryBuilder\([^()]*\)\s*\Z", call.chain)
    if before is None:
        return None
    source = re.match(r"\s*\.\s*from\(\s*(\w+)", call.following)
    entity = source[1] if source else _entity(call._replace(chain=call.chain[: before.start()]), text)
    return Told("delete", entity or "", limited(call))


_DRIZZLE_OWNER = re.compile(r"\A(?:db|tx|trx|database)\Z|D[bB]\Z")


def _drizzle(call: Call, text: str) -> Told | None:
    table = re.match(r"\s*(?:\w+\.)?([a-z]\w*)\s*\Z", call.arguments)
    if table is None or not _of_drizzle(text):
        return None
    owner = re.search(r"(\w+)(?:\(\))?\s*\Z", f"{call.chain}{call.found[0].rpartition('.')[0]}")
    name = owner[1] if owner else ""
    if not (_DRIZZLE_OWNER.search(name) or re.search(rf"\b{name}\s*(?::[^=;\n]{{1,80}})?=\s*drizzle\(", text)):
        return None
    return Told("delete", table[1], limited(call))


@lru_cache(maxsize=8)
def _of_drizzle(text: str) -> bool:
    return "drizzle" in text or re.search(r"from\s+['\"][^'\"]*schema['\"]", text) is not None


RULES = [
    Rule("deleteMany", re.compile(r"\.deleteMany\b(?=\()"), _prisma),
    Rule("destroy", re.compile(r"\.destroy\b(?=\()"), _sequelize),
    Rule("del", re.compile(r"\.(?:del|delete)\b(?=\()"), _builder, _names_table),
    Rule("truncate", re.compile(r"\.truncate\b(?=\()"), _builder, _names_table),
    Rule("clear", re.compile(r"\.clear\b(?=\(\s*\))"), _typeorm, _has_repository),
    Rule("delete", re.compile(r"\.delete\b(?=\(\s*\{)"), _typeorm, _has_repository),
    Rule("softDelete", re.compile(r"\.softDelete\b(?=\()"), _typeorm_soft),
    Rule("createQueryBuilder", re.compile(r"\.delete\b(?=\(\s*\))"), _typeorm_builder),
    Rule("delete", re.compile(r"(?:\b\w+|\))\s*\.delete\b(?=\()"), _drizzle, _of_drizzle),
    Rule("deleteFrom", re.compile(r"\.deleteFrom\b(?=\()"),
          lambda call, text: Told("delete", call.name(FIRST, call.arguments), limited(call))),
    Rule("nativeDelete", re.compile(r"\.nativeDelete\(\s*(?P<name>\w+)"), named("delete", bounded=True)),
    Rule("dropSchema", re.compile(r"\bdropSchema\s*:\s*true\b"), named("drop_table")),
    Rule("chema", re.compile(r"\b(?:schema|getSchemaGenerator\(\))\s*\.\s*(?:drop|refresh|clear)[SD]\w+\("),
          named("drop_table")),
    Rule("force", re.compile(r"\bsync\(\s*\{[^{}]*\bforce(?:\s*:\s*(?!false\b|!1\b|undefined\b|null\b)\S|\s*[,}])"),
          named("drop_table")),
]  # fmt: skip
