"""Commands that can lose data in text that a shell runs: scripts, Makefiles, cron tables, CI, compose, Kubernetes.

Such a text is read by its words: psql with its SQL, the programs of PostgreSQL, and the commands by which migration
tools and container engines empty, drop or reset a database. Comments and what is only printed do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from triage_kit.parse.code import only_held, prose
from triage_kit.parse.migration import Operation
from triage_kit.sql import Effect, effects, suspicious

_TEXT_LIMIT = 4000
# Where packages and images keep a cluster, and what variables that name it are called.
DATA_DIRECTORY = r"pgdata|pg_?sql/(?:\d+/)?data|postgresql/(?:\d+/)?(?:main|data)|\$\{?PGDATA\}?"
# Between a setting and its value, in lines of properties, YAML and XML.
_SET_TO = r"(?:\s*[:=]\s*['\"]?|[\"']\s+value\s*=\s*[\"'])"
# Command, what it does, and the group that names the object. Every one is documented by its tool.
_TOOL_COMMANDS = [
    (r"\bdropdb\b(?:\s+-[hpU]\s+\S+|\s+--(?:host|port|username|maintenance-db)\s+\S+|\s+-{1,2}[\w-]+(?:=\S+)?)*"
     r"\s+(?P<object>[\w.\"'${}-]+)", "drop_database"),
    (r"\bpg_restore\b[^\n|;&]*\s(?:--clean|-c|-\w*c\w*)\b(?=[\s$])", "drop_table"),
    (r"\bpg_resetwal\b", "run_program"),
    (r"\bpg_dropcluster\s+(?:-{1,2}[\w-]+\s+)*(?P<object>\d+\s+\w+)", "drop_database"),
    # Statements that a query makes, sent back to the server.
    (r"(?i:\bselect\b[^\n]{0,200}'\s*(?:drop|truncate|delete\s+from))\s[^\n]{0,300}\|\s*psql\b", "dynamic"),
    (r"\bprisma\s+migrate\s+reset\b", "drop_schema"),
    (r"\bprisma\s+db\s+push\b[^\n]*--(?:force-reset|accept-data-loss)\b", "drop_table"),
    (r"\b(?:rails|rake)\s+(?:\S+\s+)*?db:(?:reset|drop(?::all)?|purge(?::all)?|schema:load|structure:load|migrate:reset"
     r"|truncate_all|seed:replant|test:prepare)\b", "drop_table"),
    (r"\bRake::Task\[[\"':]+db:(?:reset|drop|purge|schema:load|migrate:reset|truncate_all|seed:replant)[\"']?\]\.(?:invoke|execute)",
     "drop_table"),
    (r"\bDatabaseTasks\.(?:truncate_all|drop_all|drop_current|drop|purge_all|purge_current|purge)\b", "drop_table"),
    (r"\b(?:manage\.py|django-admin)\s+(?:\S+\s+)*?(?:flush|reset_db|reset_schema|truncate)\b", "truncate"),
    (r"\b(?:manage\.py|django-admin)\s+migrate\s+(?P<object>\w+)\s+zero\b", "drop_table"),
    (r"\b(?:artisan\s+|Artisan::(?:call|queue)\(\s*['\"])(?:migrate:(?:fresh|refresh|reset)|db:wipe)\b", "drop_table"),
    (r"\bsequelize(?:-cli)?\s+db:(?:drop|migrate:undo:all)\b", "drop_table"),
    (r"\bknex\s+[^\n]*migrate:rollback\s+[^\n]*--all\b", "drop_table"),
    (r"\btypeorm\b[^\n]*\s(?:schema:drop|migration:revert)\b", "drop_table"),
    (r"\bmikro-orm(?:-esm)?\s+(?:schema:(?:fresh|drop)|migration:(?:fresh|down))\b", "drop_table"),
    (r"\bace(?:\.js)?\s+(?:migration:(?:fresh|refresh|reset|rollback)|db:wipe)\b", "drop_table"),
    (r"\baerich\b[^\n|;&]*\sdowngrade\b", "drop_table"),
    (r"\bdotnet\s+ef\s+database\s+(?:drop|update\s+0)\b", "drop_database"),
    (r"\balembic\b[^\n|;&]*\sdowngrade\s+\S+", "drop_table"),
    (r"\bflask\s+db\s+downgrade\b", "drop_table"),
    (r"\bflyway\b[^\n|;&]*\sclean\b", "drop_schema"),
    (r"\bliquibase\b[^\n|;&]*\s(?:drop-?all|rollback\S*)\b", "drop_table"),
    (r"\bgoose\b[^\n|;&]*\s(?:reset|down-to\s+0)\b", "drop_table"),
    (r"\bdbmate\b[^\n|;&]*\s(?:drop|down|rollback)\b", "drop_database"),
    (r"\bsqitch\b[^\n|;&]*\s(?:revert|rebase)\b", "drop_table"),
    (r"\bmigrate\b[^\n|;&]*\s-(?:path|source|database)\b[^\n|;&]*\s(?:drop|down)\b", "drop_table"),
    (r"\bsupabase\s+db\s+reset\b", "drop_schema"),
    (r"\bmix\s+ecto\.(?:reset|drop|rollback\s+--all)\b", "drop_database"),
    (r"\bdiesel\s+(?:database\s+reset|migration\s+(?:redo|revert)\s+--all)\b", "drop_database"),
    (r"\bsqlx\s+(?:database|db)\s+(?:drop|reset)\b", "drop_database"),
    (r"\bdrizzle-kit\s+push\b[^\n]*--force\b", "drop_table"),
    (r"\bdoctrine:(?:schema|database):drop\b", "drop_table"),
    (r"\bdoctrine:fixtures:load\b(?![^\n]*--append)", "delete"),
    (rf"\b(?:ddl-auto|hbm2ddl\.auto|ddl_auto)\b{_SET_TO}create(?:-drop|-only)?\b", "drop_table"),
    (rf"\b(?:database\.generation|database\.action)\b{_SET_TO}drop-and-create\b", "drop_table"),
    (r"\bclean-?[oO]n-?[vV]alidation-?[eE]rror\b[\"']?\s*[:=>]\s*[\"']?true\b", "drop_schema"),
    (r"\bclean-at-start\b\s*[:=]\s*[\"']?true\b", "drop_schema"),
    (r"\bdrop-?[fF]irst\b[\"']?\s*[:=>]\s*[\"']?true\b", "drop_table"),
    (r"\bdbt\b[^\n|;&]*\s(?:run|build|seed)(?=\s)[^\n|;&]*\s(?:--full-refresh|-f)\b", "drop_table"),
    (r"\bpgloader\b[^\n|;&]*--with\s+[\"']include drop\b", "drop_table"),
    (r"\bheroku\s+(?:pg:reset|addons:destroy\b[^\n|;&]*postgres)\b", "drop_database"),
    # a managed server, or a volume of one
    (r"\baws\s+rds\s+delete-db-(?:instance|cluster)\b(?:[^\n|;&]*?\s--db-(?:instance|cluster)-identifier[ =]+"
     r"(?P<object>[\w.\"'${}-]+))?", "drop_database"),
    (r"\bgcloud\s+(?:\S+\s+)*?sql\s+(?:instances|databases)\s+delete\s+(?P<object>[\w.\"'${}-]+)", "drop_database"),
    (r"\baz\s+postgres\s+(?:flexible-server\s+|server\s+)?(?:db\s+)?delete\b", "drop_database"),
    (r"\bdoctl\s+databases\s+(?:db\s+)?delete\b", "drop_database"),
    (r"\bfly(?:ctl)?\s+(?:volumes?|vol)\s+(?:destroy|delete)\b", "drop_database"),
    (r"\bneon(?:ctl)?\s+(?:projects|branches|databases)\s+(?:delete|reset|restore)\b", "drop_database"),
    (r"\b(?:terraform|tofu|terragrunt)\s+(?:\S+\s+)*?(?:destroy|apply\s[^\n|;&]*-(?:destroy|replace)\b)[^\n|;&]*"
     r"(?:db_instance|rds_cluster|postgres|sql_database|database)", "drop_database"),
    (r"\bdocker(?:-compose|\s+compose)\b[^\n|;&]*\sdown\b[^\n|;&]*\s(?:-v|--volumes)\b", "drop_database"),
    (r"\bdocker\s+(?:volume\s+(?:rm|prune)|system\s+prune[^\n]*--volumes)\b(?:\s+-\w+)*\s*(?P<object>[\w.-]*)",
     "drop_database"),
    (r"\bkubectl\b[^\n|;&]*\sdelete\s+(?:pvc|pv|persistentvolumeclaims?)\b\s*(?P<object>[\w./-]*)", "drop_database"),
    # PostgREST: rows that the columns of the address pick
    (r"\bcurl\b[^\n|;&]*?(?:-X[ =]?[\"']?|--request[ =][\"']?)DELETE\b[^\n|;]*?/(?P<object>\w+)\?[\w.]+=(?:not\.)?"
     r"(?:eq|neq|lte?|gte?|i?like|is|in)\.", "delete"),
    (rf"\brm\s+-\w*r\w*\s+[^\n|;&]*(?:{DATA_DIRECTORY})", "drop_database"),
]  # fmt: skip
_TOOLS = [(re.compile(pattern), operation) for pattern, operation in _TOOL_COMMANDS]
# One of these is in every line that a pattern above takes: most files are done with one search.
_CLUE = re.compile(
    r"dropdb|pg_restore|pg_resetwal|pg_dropcluster|prisma|db:|manage\.py|django-admin|[aA]rtisan|sequelize|knex|typeorm|alembic|"
    r"flask db|flyway|liquibase|goose|dbmate|sqitch|migrat|mikro-orm|aerich|dotnet\s+ef|supabase|ecto\.|diesel|sqlx|"
    r"drizzle|doctrine:|pg:reset|heroku|rds|gcloud|az\s+postgres|doctl|\bfly|neon|terra|tofu|DatabaseTasks|drop-and-create|[cC]lean|drop-?[fF]irst|\bdbt\b|pgloader|docker|kubectl|curl|ddl-auto|ddl_auto|hbm2ddl|pgdata|PGDATA|postgresql|p(?:g_?)?sql"
)
# A minified line holds no command of a person; looking through it would take the square of its length.
_LONG_LINE = re.compile(r"(?m)^(.{2000}).+$")
_MOST = 2_000
# One at the beginning of a quoted item of a YAML list is one too: the shell is given it without its quotes.
_COMMENT = re.compile(r"(?m)(?:^|(?<=[ \t])|(?<=- [\"']))#.*$")
_SQL_ARGUMENT = re.compile(
    r"""(?s)(?:(?<=\s)|(?<=["']))(?:-c|-\w{1,4}c|--command)["']?\s*(?:=|,|\n\s*-\s|\s)\s*"""
    r"""(?:\\?"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^']|'\\''|'')*)'|(?P<bare>[^\n"']+))"""
)
_HEREDOC = re.compile(r"(?ms)<<[-~]?\s*\\?(['\"]?)(?P<tag>\w+)\1[^\n]*\n(?P<body>.*?)^\s*(?P=tag)\s*$")
_LITERAL = re.compile(r"\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>[^']*)'", re.DOTALL)
_BEGINS = re.compile(r"(?i)\A\s*(?:with|delete|truncate|drop|alter|update|merge|do|insert|begin|vacuum)\b")
_PRINTS = re.compile(
    r"(?:^|[;&|({]|\bthen|\bdo|\brun:|-)\s*@?(?:echo|printf|print|log|puts|raise|warn|abort|(?:\w+\.)*logger\.\w+)\b[^\n|]*$"
)
# A client of another database, or a search for words, earlier in the same command.
_FOREIGN = re.compile(
    r"\b(?:mysql|mariadb|sqlite3?|duckdb|clickhouse(?:-client)?|sqlcmd|sqlplus|cqlsh|snowsql|bq|trino|presto|"
    r"[ef]?grep|rg|ack)\b[^\n;|&]*\Z"
)
_DOLLAR = "\x00"
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+|\{\{[^}]*\}\}|%\w+%")


def command_hits(text: str) -> Iterator[Operation]:
    """Operations of the commands and the SQL in text for a shell, in order of their lines.

    >>> [(each.line, each.operation, each.object) for each in command_hits("#!/bin/sh\\ndropdb --if-exists shop\\n")]
    [(2, 'drop_database', 'shop')]
    """
    text = _of_make(_filled(uncommented(text)))
    found = {}
    if _CLUE.search(text):
        short = _LONG_LINE.sub(r"\1", text)
        for pattern, operation in _TOOLS:
            for command in islice(pattern.finditer(short), _MOST):
                if not _printed(short, command.start()) and not _of_its_own(short, command):
                    each = _of_tool(short, command, operation)
                    found[each.line, each.operation, each.object] = each
    for each in _sql(text):
        found.setdefault((each.line, each.operation, each.object), each)
    return iter(sorted(found.values(), key=lambda each: each.line))


def uncommented(text: str) -> str:
    """Shell-like text with its comments and what it only shows blanked, so that lines and places stay."""
    text = _COMMENT.sub(lambda found: " " * len(found[0]), text.replace("\r\n", " \n"))
    return _SHOWN.sub(_blank, text) if text.count("<<") <= _MOST // 20 else text


# A here-document that cat writes to the terminal, with no pipe and no file behind it.
_SHOWN = re.compile(
    r"(?ms)^[ \t]*cat[ \t]+(?:1?>&2[ \t]+)?<<[-~]?[ \t]*\\?(['\"]?)(?P<tag>\w+)\1(?:[ \t]+1?>&2)?[ \t]*\n"
    r"(?P<body>.*?)^[ \t]*(?P=tag)[ \t]*$"
)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


# A variable of a script or a Makefile that holds the beginning of a command.
_NAMED = re.compile(
    r"(?m)^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*[:?]?=[ \t]*(?P<value>[\"']?(?:docker|podman|kubectl|"
    r"psql|dropdb|python3?|php|bin/|bundle|npx|yarn|pnpm|poetry|uv|flask|alembic|goose|dbmate|migrate|rails|\./)"
    r"[^\n$#;&|]{0,200})$"
)


_OF_MAKE = re.compile(r"(?m)^(?P<name>[A-Za-z_]\w*)[ \t]*[:?]=[ \t]*(?P<value>.*\$\(shell .*)$")


def _of_make(text: str) -> str:
    """Variables of a Makefile that a shell fills, and their uses, as the shell would write them.

    >>> _of_make("DB := t_$(shell date +%s)\\nx:\\n\\tdropdb $(DB)")
    'DB=t_$(date +%s)\\nx:\\n\\tdropdb ${DB}'
    """
    names = [each["name"] for each in islice(_OF_MAKE.finditer(text), 50)]
    if not names:
        return text
    text = _OF_MAKE.sub(lambda each: f"{each['name']}={each['value'].replace('$(shell ', '$(')}", text)
    return re.sub(rf"\$\(({'|'.join(map(re.escape, names))})\)", r"${\1}", text)


def _filled(text: str) -> str:
    """The text with such variables written out where a line begins with them or a sign of the shell is before them.

    >>> _filled("DC := docker compose -p x\\nfresh:\\n\\t$(DC) down -v")
    'DC := docker compose -p x\\nfresh:\\n\\tdocker compose -p x down -v'
    """
    given = {each["name"]: each["value"].strip().strip("\"'") for each in islice(_NAMED.finditer(text), 50)}
    if not given:
        return text
    names = "|".join(map(re.escape, given))
    return re.sub(
        rf"(?m)(?<![^\s@;&|(\-])\$(?:\((?P<a>{names})\)|\{{(?P<b>{names})\}}|(?P<c>{names})\b)",
        lambda found: given[found["a"] or found["b"] or found["c"]],
        text,
        count=_MOST // 10,
    )


# A name that is new whenever the script runs: of the time, the process, the build or chance.
_UNIQUE = re.compile(
    r"\$\$|\$\{?(?:RANDOM|BASHPID|EPOCHSECONDS|SRANDOM|CI_JOB_ID|CI_PIPELINE_ID|BUILD_NUMBER|BUILD_ID|GITHUB_RUN_ID|PPID)\b|"
    r"\$\(\s*(?:date|mktemp|uuidgen|openssl rand|head -c|tr |cat /proc/sys/kernel/random)|`\s*(?:date|mktemp|uuidgen)"
)
_SHELL_VARIABLE = re.compile(r"\A\$\{?(\w+)\}?\Z")


def _of_its_own(text: str, command: re.Match[str]) -> bool:
    """Whether a script drops a database that it has made itself, under a name that nobody else has."""
    named = (command.groupdict().get("object") or "").strip("\"'")
    if command[0].startswith("rm") and _OWN_CLUSTER.search(text):
        return True
    if not named or not command[0].startswith("dropdb") or text.count("dropdb") > _MOST // 20:
        return False
    return _unique(text, named)


# Where a cluster lies that the script has made for itself.
_OWN_CLUSTER = re.compile(r"(?m)(?:^|[\s;])(?:export\s+)?PGDATA=[\"']?(?:\$\(\s*mktemp|`\s*mktemp)")
_DROPS = re.compile(r"(?i)\A\s*drop\s+database\s+(?:if\s+exists\s+)?[\\\"]*(?P<object>[\w.${}-]+)[\\\"]*\s*;?\s*\Z")


@lru_cache(maxsize=4)
def _making(text: str) -> str:
    """The commands of a text that make databases, each up to the end of its line."""
    return "\n".join(re.findall(r"\bcreatedb\b[^\n]{0,400}|(?i:\bcreate\s+database)[^\n]{0,400}", text))


@lru_cache(maxsize=16)  # a script asks the same for each of its commands
def _unique(text: str, named: str) -> bool:
    """Whether a script makes a database of this name, and the name is another whenever it runs."""
    same = rf"{re.escape(named)}(?![\w.-])"
    made = _making(text)
    if named not in made or not re.search(
        rf"\bcreatedb\b[^\n;&|]*[\s\"']{same}|(?i:\bcreate\s+database)\s+[\\\"']*{same}", made
    ):
        return False
    told = _SHELL_VARIABLE.match(named)
    values = (
        re.findall(rf"(?m)(?:^|[\s;])(?:local\s+|export\s+|readonly\s+)?{told[1]}=(.*)$", text) if told else [named]
    )
    return bool(values) and all(map(_UNIQUE.search, values))


# A value of YAML or JSON that describes something.
_DESCRIBES = re.compile(
    r"(?i)(?:^|[\s{,\"'-])(?:note|description|summary|message|title|help|comment|reason|example|sample|label|hint|text|alert|"
    r"warning|placeholder|tooltip|pattern|match|exclude|ignore|regexp?|bad|good|deny|forbid|forbidden|denied|block|expected)s?"
    r"[\"']?(?::|[ \t]*=)\s*(?:[\"'][^\"']*)?\Z"
)
_LISTED = re.compile(r"(?P<indent>[ \t]*)- [\"']?")
_MOST_LISTED = 50


def _printed(text: str, at: int) -> bool:
    """Whether the place is in a command that only prints, without a pipe behind it, or in a description."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    before = text[start:at]
    if _DESCRIBES.search(before[-_TEXT_LIMIT:]) or _described(text, start, before):
        return True
    return bool(_PRINTS.search(before)) and "psql" not in text[at : end if end >= 0 else None]


def _described(text: str, start: int, before: str) -> bool:
    """Whether a line is an item of a list whose key says that its texts are described, refused or looked for."""
    item = _LISTED.match(before)
    if item is None:
        return False
    for line in reversed(text[max(0, start - _TEXT_LIMIT) : start].splitlines()[-_MOST_LISTED:]):
        if not line.startswith((f"{item['indent']}-", f"{item['indent']} ")) and line.strip():
            return _DESCRIBES.search(f"{line.rstrip()} '") is not None
        if line.startswith(item["indent"]) and line.rstrip().endswith(":") and "- " not in line:
            return _DESCRIBES.search(f"{line.rstrip()} '") is not None
    return False


def _for_another(text: str, at: int) -> bool:
    """Whether the place is an argument of another database's client or of a search."""
    return _FOREIGN.search(text[max(text.rfind("\n", 0, at) + 1, at - 400) : at]) is not None


def _not_run(text: str, at: int) -> bool:
    return _printed(text, at) or _for_another(text, at)


def _of_tool(text: str, command: re.Match[str], operation: str) -> Operation:
    named = (command.groupdict().get("object") or "").strip("\"'")
    line = text.count("\n", 0, command.start()) + 1
    named = "" if named.startswith("-") else named
    return Operation(line, "", operation, named, text=_whole_line(text, command.start()), how="pattern")


def _whole_line(text: str, at: int) -> str:
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return text[start : end if end >= 0 else None].strip()[:_TEXT_LIMIT]


def _sql(text: str) -> Iterator[Operation]:
    if not suspicious(text):
        return
    if "psql" in text:
        for found, group in _arguments(text):
            if not _printed(text, found.start()) and not _in_its_own(text, found.start()):
                yield from _of_sql(text, found.start(group), found[group], sure=group != "bare")
    for found in _heredocs(text):
        line = _whole_line(text, found.start())
        given = _ASSIGNED.match(line) and _BEGINS.match(found["body"]) and not _DESCRIBES.search(line.split("<<")[0])
        if (given or re.search(r"psql|sql", line, re.IGNORECASE)) and not _for_another(text, found.start()):
            yield from _of_sql(text, found.start("body"), found["body"], sure=True)
    for found in islice(_LITERAL.finditer(text), 20 * _MOST):
        written = found["double"] if found["double"] is not None else found["single"]
        if not _BEGINS.match(written) or prose(written) or only_held(text, found.start(), found.end()):
            continue
        if not _not_run(text, found.start()) and not _in_its_own(text, found.start()):
            yield from _of_sql(text, found.start() + 1, written, sure=False)


def _heredocs(text: str) -> Iterator[re.Match[str]]:
    """The here-documents of a text, those that stand in the script another one holds (HCL's, mostly) too."""
    at = 0
    for _ in range(_MOST // 4 if text.count("<<") <= _MOST // 4 else 0):
        found = _HEREDOC.search(text, at)
        if found is None:
            return
        yield found
        at = found.start("body") if "<<" in found["body"] else found.end()


_ASSIGNED = re.compile(r"\s*\w+[ \t]*=[ \t]*<<-")  # a text of HCL that a job is given as a file
_ASKED = re.compile(r"(?:-d|--dbname)[\s=]*[\"']?(?P<object>\$\{?\w+\}?)")


def _in_its_own(text: str, at: int) -> bool:
    """Whether the psql whose argument stands there is connected to a database that the script has made for itself."""
    asked = _ASKED.search(text[max(text.rfind("\n", 0, at), at - 400) : at])
    return asked is not None and 0 < text.count("createdb") < _MOST // 20 and _unique(text, asked["object"])


def _arguments(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """What follows -c of a psql, that of a psql inside the argument of another shell too."""
    at = 0
    for _ in range(_MOST):
        found = _SQL_ARGUMENT.search(text, at)
        if found is None:
            return
        group = next(each for each in ("double", "single", "bare") if found[each] is not None)
        if "psql" in text[max(0, found.start() - 400) : found.start()] and "psql" not in found[group]:
            yield found, group
            at = found.end()
        else:
            at = found.start() + 2


def _of_sql(text: str, at: int, written: str, sure: bool) -> Iterator[Operation]:
    if not suspicious(written):
        return
    if (
        (dropped := _DROPS.search(written))
        and text.count("DATABASE") < _MOST // 20
        and _unique(text, dropped["object"])
    ):
        return
    line = text.count("\n", 0, at) + 1
    for each in _rounds(_with_values(written, text), text):
        yield from _of_round(each, line, sure)


def _of_round(written: str, line: int, sure: bool) -> Iterator[Operation]:
    # A dollar behind a backslash is the text's own: dollar quotes in the double quotes of a shell are written so.
    plain = written.replace('\\"', '"').replace("'\\''", "'").replace("\\$", _DOLLAR)
    plain = _VARIABLE.sub("__unresolved__", plain).replace(_DOLLAR, "$")
    for each in effects(plain):
        if each.loses and (sure or each.how == "parsed"):
            yield _with_holes(each, line)


_MOST_ROUNDS = 50


def _rounds(written: str, text: str) -> list[str]:
    """SQL once for each name that a loop of its script goes through.

    >>> [each.object for each in command_hits('for t in a b; do psql -c "TRUNCATE $t"; done')]
    ['a', 'b']
    """
    found = _PLAIN_VARIABLE.search(written)
    name = (found["braced"] or found["bare"]) if found else ""
    loops = re.findall(rf"\bfor[ \t]+{name}[ \t]+in[ \t]+([A-Za-z_][\w. \t]*?)[ \t]*(?:;|\n)", text) if name else []
    names = loops[0].split() if len(loops) == 1 else []
    if not found or not names or len(names) > _MOST_ROUNDS or not all(each[0].isalpha() for each in names):
        return [written]
    return [written.replace(found[0], each) for each in names]


_PLAIN_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<bare>[A-Za-z_]\w*))")


@lru_cache(maxsize=64)
def _value(name: str, text: str) -> str:
    """What a script gives a variable, where that is one name wherever it is given; empty for anything else."""
    given = set(
        re.findall(
            rf"(?m)(?:^|[;&\s])(?:(?:export|local|readonly|declare|typeset)[ \t]+(?:-\w+[ \t]+)?)?{name}=([^\n;&|]*)",
            text,
        )
    )
    plain = {each.strip().strip("\"'") for each in given}
    if len(plain) != 1 or re.search(rf"\b(?:for|read)\b[^\n]*\b{name}\b", text):
        return ""
    value = plain.pop()
    return value if re.fullmatch(r"[A-Za-z_][\w.]*", value) else ""


def _with_values(written: str, text: str) -> str:
    """SQL with the variables of its script written out that hold one name.

    >>> [each.object for each in command_hits('TABLE=orders; psql -c "TRUNCATE $TABLE"')]
    ['orders']
    """
    return _PLAIN_VARIABLE.sub(lambda found: _value(found["braced"] or found["bare"], text) or found[0], written)


def _with_holes(effect: Effect, line: int) -> Operation:
    operation = Operation.of(effect, "", line + effect.line - 1)
    operation.object = operation.object.replace("__unresolved__", "{…}")
    operation.text = operation.text.replace("__unresolved__", "{…}")
    return operation
