"""Statements that XML holds: of loading tools (Kettle, its heir Hop, SQL Server Integration Services) and of mappers.

The tools keep XML in which a step's SQL stands as the text of an element or as the value of an attribute (Kettle's file
format, Microsoft's DTSX reference). It is looked for by its marks, so that a broken file hides none of its statements.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.comments import blank, closable
from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

SUFFIXES = ("ktr", "kjb", "hpl", "hwf", "dtsx")
_SQL = re.compile(
    r"<(?:sql|SQLTask:SqlStatementSource)>(?:<!\[CDATA\[)?(?P<text>[^<]+)|\bSQLTask:SqlStatementSource=\"(?P<value>[^\"]*)\""
)
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_VARIABLE = re.compile(r"\$\{\w+\}|%%\w+%%")
_MOST = 2_000


def etl_hits(text: str) -> Iterator[Operation]:
    """Operations of the statements in such a file, in order of their lines.

    >>> text = "<step>\\n<sql>DELETE FROM a WHERE b &lt; 3;\\nTRUNCATE ${S}.c</sql></step>"
    >>> [(each.line, each.operation, each.object) for each in etl_hits(text)]
    [(2, 'delete', 'a'), (3, 'truncate', '{…}.c')]
    """
    text = _COMMENT.sub(blank, closable(text, "<!--", "-->"))
    for found in islice(_SQL.finditer(text), _MOST):
        written = found["text"] if found["text"] is not None else found["value"]
        statement = _VARIABLE.sub("__hole__", html.unescape(written))
        if not suspicious(statement):
            continue
        first = text.count("\n", 0, found.start("text" if found["text"] is not None else "value")) + 1
        for each in effects(statement):
            made = Operation.of(each, "", first + each.line - 1)
            made.object, made.text = (told.replace("__hole__", "{…}") for told in (made.object, made.text))
            yield made


# MyBatis, iBatis and Hibernate (https://mybatis.org/mybatis-3/sqlmap-xml.html); their tags make parts of a statement.
_MAPPER = re.compile(r"<(?:mapper|sqlMap|hibernate-mapping|entity-mappings)\b")
_MAPPED = re.compile(
    r"<(?P<tag>delete|update|insert|statement|sql-query|sql-delete|sql-delete-all|query)(?:\s[^<>]{0,2000})?(?<!/)>"
)
_CONDITION = re.compile(r"(?i)<where\b[^<>]{0,200}>|<trim\b[^<>]{0,200}\bprefix\s*=\s*[\"']\s*where\b[^<>]{0,200}>")
_TAG = re.compile(r"<!\[CDATA\[|\]\]>|</?\w[^<>]{0,2000}>")
_GIVEN = re.compile(r"#\{[^}]*\}|#\w+#")
_TEXT = re.compile(r"\$\{[^}]*\}|\$\w+\$")


def mapper_hits(text: str) -> Iterator[Operation]:
    """Losing statements in the XML of a mapper, in order of their lines; nothing of any other XML.

    >>> text = "<mapper>\\n<delete id='x'>\\nDELETE FROM a\\n<where>b = #{c}</where></delete></mapper>"
    >>> [(each.line, each.operation, each.object, each.bounded) for each in mapper_hits(text)]
    [(3, 'delete', 'a', True)]
    """
    if not _MAPPER.search(text):
        return
    text = _COMMENT.sub(blank, closable(text, "<!--", "-->"))
    end, unclosed = 0, set[str]()
    for found in islice(_MAPPED.finditer(text), 10 * _MOST):
        if found.start() < end or found["tag"] in unclosed:
            continue
        closes = text.find(f"</{found['tag']}>", found.end())
        if closes < 0:
            unclosed.add(found["tag"])
            continue
        end = closes
        plain = _TAG.sub(" ", _CONDITION.sub(" WHERE ", text[found.end() : closes]))
        statement = _TEXT.sub("__hole__", _GIVEN.sub("'__hole__'", html.unescape(plain)))
        if not suspicious(statement):
            continue
        first = text.count("\n", 0, found.end()) + 1
        for effect in effects(statement):
            made = Operation.of(effect, "", first + effect.line - 1)
            made.object, made.text = (told.replace("__hole__", "{…}") for told in (made.object, made.text))
            yield made
