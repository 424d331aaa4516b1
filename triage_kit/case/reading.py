"""Reading case.yaml as text, and saying what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

from triage_kit.errors import CaseError

MAX_BYTES = 128 << 10  # a case is written by hand; what is larger is another file, and takes minutes to refuse
_SECRET = re.compile(r"(?i)(passw|pwd|secret|token)")
_USERINFO = re.compile(r"://.*@", re.S)


class Loader(yaml.SafeLoader):
    """YAML without guesses: scalars stay text, only an empty value, ``~`` and ``null`` are missing."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.duplicates: list[str] = []

    def compose_node(self, parent: Any, index: Any) -> Any:
        # A few aliases of aliases grow to gigabytes; a case needs none.
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="an alias (*name) is not read here, write the value out; text that begins with * needs quotes",
                problem_mark=self.peek_event().start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                self.duplicates.append(f"{name}: written twice, in lines {seen[name]} and {line}: keep one of them")
            seen.setdefault(name, line)
        return super().construct_mapping(node, deep=deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(file: Path) -> tuple[Any, list[str]]:
    """The file's keys and values, all scalars as text, and what is wrong without hindering the rest.

    Raises CaseError when it is no YAML at all; the message names line and column and never quotes the file, whose
    line may hold a password.
    """
    trouble = ""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CaseError(f"{file} is larger than {MAX_BYTES} bytes: that is no case.yaml")
        loader = Loader(file.read_text(encoding="utf-8-sig"))
        return loader.get_single_data(), loader.duplicates
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(file)
        problem = str(error.problem)
        hint = ": put the value in quotes" if "cannot start any token" in problem else ""
        trouble = f"{where}: {problem}{hint}"
    except (yaml.YAMLError, UnicodeDecodeError):
        trouble = f"{file} is not text in UTF-8: save it as UTF-8"
    except RecursionError:
        trouble = f"{file} is nested too deeply for a case.yaml: a case has keys in at most three levels"
    except (ValueError, AttributeError):  # a tag as !!int or !!timestamp before what is none
        trouble = f"{file} has a tag (as !!int) that does not fit its value: write the value without it"
    except OSError as error:
        trouble = f"{file} cannot be read: {error.strerror}"
    raise CaseError(trouble)


def explain(errors: Iterable[Mapping[str, Any]], model: type[BaseModel]) -> list[str]:
    """One sentence for each of pydantic's errors: key path, what was found, what to write."""
    return [_sentence(error, model) for error in errors]


def _sentence(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    where = tuple(error["loc"])
    path = _spell(where)
    if error["type"] == "extra_forbidden":
        return f"{path}: there is no such key: {_near(where, model)}"
    if error["type"] == "missing":
        return f"{path}: is missing, write it"
    got = f"got {shown(error['input'])}"
    if error["type"] == "triage":
        return f"{path}: {got}; {error['ctx']['message']}"
    if error["type"] == "literal_error":
        return f"{path}: {got}, write {error['ctx']['expected']}"
    return f"{path}: {got}, write {_WANTED.get(error['type'], str(error['msg']).lower())}"


_WANTED = {
    "string_type": "text",
    "list_type": "a list, as [one, two]",
    "model_type": "a mapping of keys, as {key: value}",
    "dict_type": "a mapping of keys, as {key: value}",
    "model_attributes_type": "a mapping of keys, as {key: value}",
}


def _spell(where: tuple[Any, ...]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _near(where: tuple[Any, ...], model: type[BaseModel]) -> str:
    here = _model_at(where[:-1], model)
    keys = list(here.model_fields)
    wrong = str(where[-1])
    for key, field in here.model_fields.items():
        if any(wrong in inner.model_fields for inner in _models(field.annotation)):
            return f"write it under {key}:"
    near = get_close_matches(wrong.lower().replace("-", "_"), keys, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(keys)}"


def _model_at(where: tuple[Any, ...], model: type[BaseModel]) -> type[BaseModel]:
    for part in where:
        if isinstance(part, str) and part in model.model_fields:
            model = next(iter(_models(model.model_fields[part].annotation)), model)
    return model


def _models(annotation: Any) -> Iterable[type[BaseModel]]:
    """Every model inside an annotation, as ``list[Note]`` or ``Database | None`` holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, Union, UnionType, Annotated):
        for inner in get_args(annotation):
            yield from _models(inner)


def shown(value: object) -> str:
    """A value as a message may show it: bounded, and nothing that could be a secret.

    >>> shown("postgresql://me:hunter2@db/shop"), shown({"password": "x"}), shown("yes")
    ("'postgresql://***@db/shop'", 'a mapping', "'yes'")
    """
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = _USERINFO.sub("://***@", str(value))
    if secret := _SECRET.search(text):
        text = text[: secret.start()] + "***"
    return repr(text if len(text) <= 80 else text[:77] + "...")
