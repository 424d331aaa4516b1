"""A database, a log, a repository and a case in which every name and text tries to be more than a text."""

# ruff: noqa: S608 the statements are the matter of these tests
from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from programs import committed
from psycopg import sql

from triage_kit.lab.server import Server

SCRIPT = "<script>document.title='XSS'</script>"
NAMES = [
    SCRIPT,
    "<img src=x onerror=document.title='XSS'>",
    "</script><svg onload=document.title='XSS'>",
    "--></title><style>*{display:none}</style>",
    "]]><![CDATA[&lt;b&gt;&amp;amp;",
    "[x](javascript:document.title='XSS')",
    "*bold* _em_ `code` |cell| # h $x^2$",
    "o'brien; rm -rf ~",
    "$(touch pwned) `touch pwned` $HOME ${IFS}",
    "it's' $(touch pwned) `touch pwned` \"x\"; rm -rf ~ #",
    "a\"b\"\"c'd''e",
    "two\nlines\tand\ta tab\r",
    "%s %(x)s %n %%",
    "{} {0.__class__} {x!r} {{7*7}}",
    "{% raw %}{{ 7*7 }}{% endraw %}{# x #}",
    "back\\slash \\N \\n \\\\ \\G",
    "$1 $$ $tag$",
    ";DROP TABLE users;",
    "-- comment",
    "/* comment",
    "*/ x */",
    "\u202etxt.exe\u202c \u2066x\u2069",
    "zero\u200bwidth\u00ad\ufeff",
    "rocket 🚀 שלום 表",
    "esc\x1b[2J\x1b]0;pwned\x07\x08\x7f",
    "c1\u009b31m\u0085next",
    "para\u2029graph\u2028line",
    "null",
    "yes",
    "1e5",
    "2025-10-08",
    "=cmd()",
    "@x",
    "+1",
    "-2",
    "dots.in.the.name",
    "UPPER",
    " leading and trailing ",
    "![x](https://evil.invalid/p.png)",
    "<img src=//evil.invalid/x> @import url(//evil.invalid)",
    "n\nreport:    /forged\nstop now: nothing",
    "!!python/object",
    "&anchor *alias",
    "x" * 63,
    "表" * 21,
    "<math><style><img src=x onerror=document.title='XSS'>",
    "<a href=data:text/html,<b>x>y</a>",
    "<svg><animate onbegin=document.title='XSS'>",
    "<details open ontoggle=document.title='XSS'>",
    "<!-- --!><img src=x onerror=document.title='XSS'>",
    "javascript:document.title='XSS'//",
    "&#60;script&#62; &lt;b&gt; &#x202e;",
    "{{constructor.constructor('x')()}}",
    "__proto__",
    "constructor",
    '\t=HYPERLINK("//evil.invalid","x")',
    "\r=1+1",
    "\uff1dcmd() \ufe66x",
    "=cmd|'/C calc'!A0",
    "'); DROP TABLE x; --",
    "$$; SELECT 1; $$",
    "U&\"\\0041\" E'\\x27'",
    "\\! touch pwned",
    ":name :'name' :\"name\" \\gexec",
    "~root *.* ?? [a-z] {a,b} !! !$ ^a^b",
    "%PATH% !x! & calc | more > pwned",
    "<<b>label</b>> \\L\\E",
    'a" -> "b; { rank=same }',
    "- [ ] | --- | : x",
    "https://evil.invalid/x mailto:a@b.invalid",
    "NaN",
    "~",
    "? x",
    "!!binary |",
    "...",
    "../../etc/passwd",
    "C:\\x\\..\\y",
    "Z\u0351\u036b\u0343 \ufdd0 \U000e0041",
    "\n",
    " ",
]
SCHEMA = "we\"ird.<b>'\n"
APPLICATION = "<script>document.title='XSS'</script> %s"
ROLE = "o'role\" <script>document.title='XSS'</script>\x1b[31m"
LABELS = ["<img src=x onerror=document.title='XSS'>", "it's\n%s", "🚀\u202e"]
NOTE = "we saw </script><script>document.title='XSS'</script> {{7*7}} %s\nand: then # no comment"
TITLE = "Lost: {{7*7}} <script>document.title='XSS'</script> 'quoted' \"twice\" \u202eevil # %s"
ROOT, ALONE = "o'brien; rm -rf ~", SCRIPT
DELETED = "it's' $(touch pwned) `touch pwned` \"x\"; rm -rf ~ #"
# Written by a program whose output was saved: what a server would never write, and what it may.
LOG = (
    "2026-01-02 03:04:05.678 UTC [77] ERROR:  relation \"<img src=x onerror=document.title='XSS'>\" does not exist\n"
    "2026-01-02 03:04:05.678 UTC [77] STATEMENT:  DELETE FROM \"</script><script>document.title='XSS'</script>\"\n"
    "2026-01-02 03:04:06.000 UTC [78] FATAL:  \x1b]0;pwned\x07\x1b[2J\u202e{{7*7}} %s {} \\N \u009b31m\n"
    "2026-01-02 03:04:07.000 UTC [78] LOG:  nul \0 here\n"
    "2026-01-02 03:04:08.000 UTC [79] ERROR:  bytes "
).encode() + b'\xff\xfe\xc3\n2026-01-02 03:04:09.000 UTC [79] STATEMENT:  TRUNCATE "\\x00" -- \xe2\x80\xae\n'


@dataclass(frozen=True)
class Hostile:
    """What was built: where, under which names, and which tables one TRUNCATE … CASCADE emptied."""

    folder: Path
    database: str
    emptied: frozenset[tuple[str, str]]


def build(server: Server, database: str, folder: Path) -> Hostile:
    """Make the database, do the damage, and write the case; tables of NAMES hold two rows each before it."""
    _roles(server, database)
    with server.connect(database, role=ROLE, application=APPLICATION) as connection:
        _tables(connection)
        _rest(connection)
        _damage(connection)
    _case(server, database, folder)
    emptied = frozenset({("public", ROOT), ("public", "child of " + ROOT), (SCHEMA, ALONE), (SCHEMA, "sub")})
    return Hostile(folder, database, emptied)


SETTINGS = {
    "log_statement": "mod",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "track_commit_timestamp": True,
    "shared_preload_libraries": "pg_stat_statements",
}
DATABASE = "h{}%s \"'\u202e<b>"


def _roles(server: Server, database: str) -> None:
    with server.connect(database) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(ROLE)))
        connection.execute(
            sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(SCHEMA), sql.Identifier(ROLE))
        )


def _tables(connection: Any) -> None:
    for name in NAMES:
        _table(connection, ("public", name))
    _table(connection, (SCHEMA, ALONE))
    _table(connection, ("public", "child of " + ROOT), ("public", ROOT))
    _table(connection, (SCHEMA, "sub"), ("public", "child of " + ROOT))
    wide = sql.SQL(", ").join(
        sql.SQL("{} int").format(sql.Identifier(f"{NAMES[n % 30]}"[:12] + f"\n{n}")) for n in range(1600)
    )
    connection.execute(sql.SQL('CREATE TABLE public."wide" ({})').format(wide))
    labels = sql.SQL(", ").join(map(sql.Literal, LABELS))
    connection.execute(sql.SQL("CREATE TYPE public.{} AS ENUM ({})").format(sql.Identifier(SCRIPT + " e"), labels))


def _table(connection: Any, name: tuple[str, str], parent: tuple[str, str] | None = None) -> None:
    table, column = sql.Identifier(*name), sql.Identifier(name[1])
    if parent:
        connection.execute(
            sql.SQL("CREATE TABLE {} ({} int PRIMARY KEY CONSTRAINT {} REFERENCES {})").format(
                table, column, sql.Identifier(name[1][:50] + " fk"), sql.Identifier(*parent)
            )
        )
    else:
        connection.execute(
            sql.SQL("CREATE TABLE {} ({} int CONSTRAINT {} PRIMARY KEY)").format(
                table, column, sql.Identifier((name[1].encode()[:50].decode(errors="ignore")) + " pk")
            )
        )
    connection.execute(sql.SQL("INSERT INTO {} VALUES (1), (2)").format(table))


def _damage(connection: Any) -> None:
    connection.execute(
        sql.SQL("TRUNCATE {}, {} CASCADE").format(sql.Identifier("public", ROOT), sql.Identifier(SCHEMA, ALONE))
    )
    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(DELETED)))
    for bad in (f"DELETE FROM nowhere -- {SCRIPT}\x1b[2J", "TRUNCATE {{7*7}} '%s' $1", f'DELETE FROM "{"y" * 63}";'):
        try:
            connection.execute(bad)
        except connection.Error:
            pass
        else:
            raise AssertionError(f"{bad} should fail")


def _rest(connection: Any) -> None:
    """Views, policies, triggers, sequences and role settings with such names."""
    name, table = sql.Identifier(NAMES[2]), sql.Identifier(NAMES[10])
    connection.execute(sql.SQL("CREATE POLICY {} ON {} USING ({} <> 7)").format(name, table, table))
    connection.execute(sql.SQL("CREATE SEQUENCE {}").format(sql.Identifier(NAMES[2] + " s")))
    connection.execute(
        sql.SQL("CREATE VIEW {} AS SELECT {} AS {}").format(
            sql.Identifier(NAMES[11] + " v"), sql.Literal(SCRIPT), sql.Identifier(SCRIPT)
        )
    )
    connection.execute(
        sql.SQL(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN "
            "-- <script>document.title='XSS'</script>\n"
            "RETURN NULL; END$f$"
        ).format(name)
    )
    connection.execute(sql.SQL("CREATE TRIGGER {} AFTER DELETE ON {} EXECUTE FUNCTION {}()").format(name, table, name))


def _case(server: Server, database: str, folder: Path) -> None:
    (folder / "log").mkdir(parents=True)
    shutil.copy(server.log_file, folder / "log" / "server {x} %s 'y'.log")
    (folder / "log" / "saved <b>.log").write_bytes(LOG)
    _repository(folder / "repo")
    keys = {
        "title": TITLE,
        "incident": {"id": "=1+1", "service": "yes", "severity": "{{7*7}}", "author": "null"},
        "database": {"url": server.url(database), "schemas": ["public", SCHEMA]},
        "reported": ["1e5", f'"{ROOT}"'],
        "logs": ["log/*.log"],
        "repository": "repo",
        "notes": [{"at": "2026-01-02T03:04:05Z", "text": NOTE}],
    }
    (folder / "case.yaml").write_text(yaml.safe_dump(keys, allow_unicode=True), "utf-8")


def _repository(folder: Path) -> None:
    migrations = folder / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "001 <img src=x onerror=alert(1)> {} %s.sql").write_text(
        f"-- {SCRIPT}\nDROP TABLE \"<img src=x onerror=document.title='XSS'>\"; /* {{7*7}} \u202e */\n"
        'TRUNCATE "o\'brien; rm -rf ~" CASCADE;\n',
        "utf-8",
    )
    (migrations / "002\u202egp.sql").write_text('DELETE FROM "{{7*7}}";\x1b[2J\n', "utf-8")
    (migrations / '003 it\'s "quoted" \\N.sql').write_text('DROP SCHEMA "</script>" CASCADE;\n', "utf-8")
    committed(folder, f"{SCRIPT} {{{{7*7}}}} %s \x1b[2J\u202e", "Bobby <script>alert(1)</script>'; --", "b@example.org")
