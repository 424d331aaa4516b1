"""SQL in templates of Jinja, as dbt's models, macros and hooks are: what stands between the tags, and inside them.

A macro keeps a statement between ``{% set name %}`` and ``{% endset %}`` or in ``{% call statement() %}`` and sends it
by ``run_query``: https://docs.getdbt.com/reference/dbt-jinja-functions/run_query.
"""

from __future__ import annotations

import re

HOLE = "__hole__"
_REMARK = re.compile(r"\{#(?:[^#]|#(?!\}))*#\}|\{%-?\s*docs\b[^%]*%\}(?:[^{]|\{(?!%))*\{%-?\s*enddocs\s*-?%\}")
# No possessive quantifier here: Python 3.11.2 takes one around a group with alternatives for another.
_TAG = re.compile(
    r"\{%(?P<block>(?:[^%]|%(?!\}))*)%\}|(?P<own>(?m:^)[ \t]*)?\{\{(?P<value>(?:[^}]|\}(?!\})){0,2000})\}\}"
)
# Text that begins or ends with such a tag is a text of its own.
_BORDER = re.compile(r"-?\s*(?:end)?(?:macro|call|set|materialization|test|snapshot|docs|raw|filter|do)\b")
_BEGINS = re.compile(
    r"(?i)\s*(?:with|select|delete\s+from|truncate|drop|alter|update|merge|insert|create|grant|begin|commit)\b"
)


def rendered(text: str) -> str:
    """The text with its remarks and tags taken out and a hole for each value, lines left where they are.

    >>> rendered("{% set q %}delete from {{ s }}.a{% endset %}{% do run_query(q) %}")
    ';delete from __hole__.a;;'
    """
    if "{%" not in text and "{{" not in text and "{#" not in text:
        return text
    text = _REMARK.sub(_lines, text)
    return _TAG.sub(lambda tag: _plain(tag, text), text)


def _plain(tag: re.Match[str], text: str) -> str:
    lines = "\n" * tag[0].count("\n")
    if tag["block"] is not None:
        ends = _BORDER.match(tag["block"]) or _BEGINS.match(text, tag.end())
        return (";" if ends else " ") + lines
    alone = tag["own"] is not None and re.match(r"[ \t]*;?[ \t]*(?:\r?\n|\Z)", text[tag.end() : tag.end() + 40])
    if alone and "(" in tag["value"] and _BEGINS.match(text, tag.end()):  # {{ config(…) }} before the statement
        return (tag["own"] or "") + ";" + lines
    return (tag["own"] or "") + HOLE + lines


def _lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")
