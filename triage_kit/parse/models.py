"""Which table a class of the application stands for, where its code names one or its tool has a rule of its own.

Rails (``self.table_name``), Django (``db_table``, else ``app_model``), SQLAlchemy (``__tablename__``), JPA
(``@Table``), TypeORM (``@Entity``), Sequelize (``tableName``), Laravel (``$table``) and Prisma (``@@map``), told by
their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import PurePosixPath

_CLUES = (
    *("table_name", "__tablename__", "db_table", "models.Model", "@Table", "@Entity", "tableName"),
    *("protected $table", "@@map"),
)
_CLASS = re.compile(
    r"(?m)^[ \t]*(?:export\s+)?(?:default\s+)?(?:(?:public|abstract|final|data|open)\s+)*"
    r"class\s+(?P<name>\w+)(?P<bases>[^\n{]*)"
)
_INSIDE = [
    re.compile(r"\bself\.table_name\s*=\s*[:'\"]+(?P<table>[\w.]+)"),
    re.compile(r"(?m)^\s*__tablename__\s*(?::[^=\n]+)?=\s*['\"](?P<table>[\w.]+)['\"]"),
    re.compile(r"(?m)^\s+db_table\s*=\s*['\"](?P<table>[^'\"\n]+)['\"]"),
    re.compile(r"\bprotected\s+\$table\s*=\s*['\"](?P<table>[\w.]+)['\"]"),
]  # fmt: skip
_SCHEMA = re.compile(r"__table_args__\s*=[^\n]{0,200}['\"]schema['\"]\s*:\s*['\"](?P<schema>\w+)['\"]")
_APP = re.compile(r"(?m)^\s+app_label\s*=\s*['\"](?P<app>\w+)['\"]")
_ABSTRACT = re.compile(r"(?m)^\s+(?:abstract|proxy)\s*=\s*True")
_DJANGO = re.compile(r"\bmodels\.Model\b")
_ABOVE = re.compile(
    r"@(?:Table|Entity)\s*\(\s*(?:\{?\s*name\s*[:=]\s*)?['\"`](?P<table>[\w.]+)['\"`](?P<rest>[^)]{0,200})\)"
    r"(?P<between>[^;{}]{0,400}?)\bclass\s+(?P<name>\w+)"
)
_ABOVE_SCHEMA = re.compile(r"\bschema\s*[:=]\s*['\"`](?P<schema>\w+)['\"`]")
_SEQUELIZE = re.compile(
    r"\b(?:define\(\s*['\"](?P<defined>\w+)['\"]|(?P<name>\w+)\.init\()(?P<body>.{0,4000}?)"
    r"\btableName\s*:\s*['\"](?P<table>\w+)['\"]",
    re.DOTALL,
)
_PRISMA = re.compile(r"(?m)^model\s+(?P<name>\w+)\s*\{(?P<body>[^}]*)\}")
_MAP = re.compile(r"@@map\(\s*(?:name\s*:\s*)?\"(?P<table>[^\"]+)\"")
_MOST = 2_000


def models(text: str, path: str) -> dict[str, str]:
    """Tables by the names of the classes that stand for them, as far as a file tells.

    >>> models("class Order < ApplicationRecord\\n  self.table_name = 'legacy_orders'\\nend", "app/models/order.rb")
    {'Order': 'legacy_orders'}
    >>> models("class Note(models.Model):\\n    pass", "shop/models.py")
    {'Note': 'shop_note'}
    """
    if not any(clue in text for clue in _CLUES):
        return {}
    if path.endswith(".prisma"):
        return dict(_prisma(text))
    return {**dict(_classes(text, path)), **dict(_annotated(text))}


def _classes(text: str, path: str) -> Iterator[tuple[str, str]]:
    # Django's Meta belongs to the class around it.
    found = [each for each in islice(_CLASS.finditer(text), _MOST) if each["name"] != "Meta"]
    for each, end in zip(found, [*(after.start() for after in found[1:]), len(text)], strict=False):
        body = text[each.end() : end]
        named = next((match for pattern in _INSIDE if (match := pattern.search(body))), None)
        if named is not None:
            schema = _SCHEMA.search(body)
            yield each["name"], f"{schema['schema']}.{named['table']}" if schema else named["table"]
        elif _DJANGO.search(each["bases"]) and path.endswith(".py") and not _ABSTRACT.search(body):
            told = _APP.search(body)
            if app := told["app"] if told else _app(path):
                yield each["name"], f"{app}_{each['name']}".lower()


def _app(path: str) -> str:
    """The application that a file of models belongs to: the folder of models.py or of the package models."""
    parts = PurePosixPath(path).with_suffix("").parts
    return next((before for before, name in pairwise(parts) if name == "models"), "")


def _annotated(text: str) -> Iterator[tuple[str, str]]:
    for each in islice(_ABOVE.finditer(text), _MOST):
        schema = _ABOVE_SCHEMA.search(each["rest"])
        yield each["name"], f"{schema['schema']}.{each['table']}" if schema else each["table"]
    if "tableName" in text and text.count("define(") + text.count(".init(") < _MOST // 20:
        for each in islice(_SEQUELIZE.finditer(text), _MOST):
            yield each["defined"] or each["name"], each["table"]


def _prisma(text: str) -> Iterator[tuple[str, str]]:
    """The client calls ``model OrderLine`` orderLine."""
    for each in islice(_PRISMA.finditer(text), _MOST):
        name, told = each["name"], _MAP.search(each["body"])
        yield name[:1].lower() + name[1:], told["table"] if told else name
