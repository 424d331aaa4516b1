"""A translation bureau on Python and Go under one login: job, route, person, migration, and tests that name nothing."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

BASE = (
    "CREATE TABLE bureau.client (id serial PRIMARY KEY, name text NOT NULL, country char(2))",
    "CREATE TABLE bureau.translator (id serial PRIMARY KEY, name text NOT NULL, pair text NOT NULL)",
    "CREATE TABLE bureau.commission (id serial PRIMARY KEY, client_id int NOT NULL REFERENCES bureau.client ON DELETE "
    "CASCADE, title text NOT NULL, due date NOT NULL)",
    "CREATE TABLE bureau.segment (id bigserial PRIMARY KEY, commission_id int NOT NULL REFERENCES bureau.commission ON "
    "DELETE CASCADE, source text NOT NULL, target text)",
    "CREATE INDEX segment_commission ON bureau.segment (commission_id)",
    "CREATE TABLE bureau.invoice (id serial PRIMARY KEY, client_id int NOT NULL REFERENCES bureau.client, cents int NOT"
    " NULL, settled boolean NOT NULL DEFAULT false)",
)
WORDS = (
    "CREATE TABLE bureau.memory (id bigserial PRIMARY KEY, pair text NOT NULL, source text NOT NULL, target text NOT "
    "NULL, used date NOT NULL)",
    "CREATE TABLE bureau.draft (id bigserial PRIMARY KEY, translator_id int NOT NULL REFERENCES bureau.translator, body"
    " text, saved date NOT NULL)",
    "CREATE TABLE bureau.term (id serial PRIMARY KEY, pair text NOT NULL, term text NOT NULL)",
)
BOOK = "CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY)"
NOTED = "UPDATE public.alembic_version SET version_num = '{}'"
TABLES = ("CREATE SCHEMA bureau", BOOK, *BASE, *WORDS, "INSERT INTO public.alembic_version VALUES ('0002')")
API = "bureau-api"
FILLED = act(
    "bureau",
    API,
    "INSERT INTO bureau.client (name, country) SELECT 'Client ' || g, (ARRAY['AT', 'DE', 'CH'])[1 + g % 3] FROM "
    "generate_series(1, 160) g",
    "INSERT INTO bureau.translator (name, pair) SELECT 'Translator ' || g, 'de-en' FROM generate_series(1, 90) g",
    "INSERT INTO bureau.commission (client_id, title, due) SELECT 1 + g % 160, 'Text ' || g, date '2026-01-01' + g % "
    "300 FROM generate_series(0, 1199) g",
    "INSERT INTO bureau.segment (commission_id, source, target) SELECT 1 + g % 1200, 'Satz ' || g, 'Sentence ' || g "
    "FROM generate_series(0, 11999) g",
    "INSERT INTO bureau.invoice (client_id, cents, settled) SELECT 1 + g % 150, 9000 + g, g % 2 = 0 FROM "
    "generate_series(0, 899) g",
    "INSERT INTO bureau.memory (pair, source, target, used) SELECT 'de-en', 'Wort ' || g, 'Word ' || g, date "
    "'2025-01-01' + g % 600 FROM generate_series(0, 5999) g",
    "INSERT INTO bureau.draft (translator_id, body, saved) SELECT 1 + g % 90, 'Draft', date '2026-06-01' + g % 150 "
    "FROM generate_series(0, 2399) g",
    "INSERT INTO bureau.term (pair, term) SELECT 'de-en', 'Term ' || g FROM generate_series(1, 700) g",
)
WORKED = act("bureau", API, "INSERT INTO bureau.segment (commission_id, source) SELECT g, 'Neu' FROM "
             "generate_series(1, 40) g", "UPDATE bureau.segment SET target = 'New' WHERE source = 'Neu'")  # fmt: skip
STANDING = {
    "public.alembic_version": ok(1, accepts=["update"]),
    "bureau.client": ok(160),
    "bureau.translator": ok(90),
    "bureau.commission": ok(1200),
    "bureau.segment": ok(12040, accepts=["update"]),
    "bureau.invoice": ok(900),
    "bureau.memory": ok(6000),
    "bureau.draft": ok(2400),
    "bureau.term": ok(700),
}
SCOPE = ("bureau", "public")
ROLES = {"hofer": "bureau", "reader": ""}
SETTINGS = {"log_line_prefix": "%t [%p] %q%u@%d/%a ", "log_timezone": "Europe/Vienna"}


def _migration(revision: str, below: str | None, statements: tuple[str, ...]) -> str:
    return (
        f"from alembic import op\n\nrevision = '{revision}'\ndown_revision = {below!r}\n\n\ndef upgrade():\n"
        + "".join(f'    op.execute("""{each}""")\n' for each in statements)
        + "\n\ndef downgrade():\n    pass\n"
    )


def _asked(name: str, statement: str, more: str = "") -> str:
    return f'from bureau.db import execute\n\n\nasync def {name}({more}):\n    await execute("{statement}")\n'


FORGET_CLIENT = "DELETE FROM bureau.client WHERE id = $1"
FIRST = Commit(19000, "Commissions, memory", {
    "migrations/versions/0001_base.py": _migration("0001", None, BASE),
    "migrations/versions/0002_words.py": _migration("0002", "0001", WORDS),
    "bureau/routes/clients.py": "from bureau.web import router\n\n\n@router.delete('/clients/{id}')\nasync def "
    f"forget(id: int, db):\n    await db.execute(\"{FORGET_CLIENT}\", id)\n",
})  # fmt: skip
LATER = act("bureau", API, "INSERT INTO bureau.term (pair, term) VALUES ('de-fr', 'Begriff')")

# The service's own scheduler calls a function of another file; a route deletes of the same table.
STALE = "DELETE FROM bureau.draft WHERE saved < now() - interval '30 days'"
BY_CLOCK = {"cause": "scheduled_job", "tables": ("bureau.draft",)}
drafts_that_a_clock_forgot = Script(
    "drafts_that_a_clock_forgot",
    "Drafts older than thirty days go by a scheduler inside the service; it should have been thirteen months",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("bureau", "psql", "DELETE FROM bureau.drafts WHERE translator_id = 4", fails=True),
        act("bureau", API, "DELETE FROM bureau.draft WHERE id = 2400"),
        act("bureau", "bureau-clock", "DELETE FROM bureau.draft WHERE saved < date '2026-10-01'"),
        act("bureau", API, "INSERT INTO bureau.draft (translator_id, body, saved) VALUES (3, 'Draft', '2026-11-27')"),
        checkpoint,
    ],
    # Sixteen a day over 150 days from the 1st of June; 122 days lie before October. One of the last day by a route.
    {**STANDING, "bureau.draft": lost("delete", 1952, 448)},
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["bureau.draft"],
    causes=[BY_CLOCK],
    reported=["bureau.draft"],
    commits=[FIRST, Commit(40, "Drafts end", {
        "bureau/drafts.py": _asked("forget_drafts", STALE) + "\n\nasync def discard(db, id):\n    await db.execute("
        "\"DELETE FROM bureau.draft WHERE id = $1\", id)\n",
        "bureau/clock.py": "from bureau.db import scheduler\nfrom bureau.drafts import forget_drafts\n\n\ndef start():"
        "\n    scheduler.add_job(forget_drafts, 'cron', hour=4)\n    scheduler.start()\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**BY_CLOCK, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

# A program of its own, built from a folder of its own, that a timer starts; a release the same hour.
WORN = "DELETE FROM bureau.memory WHERE used < '{}'"
BY_TIMER = {"cause": "scheduled_job", "tables": ("bureau.memory",)}
PRUNES = (
    "package main\n\n// prune forgets what no translator has used\nfunc prune(conn Conn, days int) error {{\n\t_, err "
    ':= conn.Exec("DELETE FROM bureau.memory WHERE used < now() - make_interval(days => $1)", {})\n\treturn err\n}}\n'
)
memory_pruned_by_a_program = Script(
    "memory_pruned_by_a_program",
    "A timer's program prunes the translation memory by days where months were meant, in the hour of a release",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("bureau", "alembic", "ALTER TABLE bureau.memory ADD COLUMN origin text", NOTED.format("0003"), whole=True),
        act("bureau", "", WORN.format("2026-08-20")),
        act("hofer", "DBeaver 25.2.3 - Main <bureau>", "SELECT count(*) FROM bureau.memory"),
        act("bureau", API, "INSERT INTO bureau.memory (pair, source, target, used) VALUES ('de-en', 'x', 'y', "
            "'2026-11-27')"),
        checkpoint,
    ],
    # Ten a day over 600 days from the 1st of January 2025: 596 days lie before the 20th of August.
    {**STANDING, "bureau.memory": lost("delete", 5960, 41)},
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["bureau.memory"],
    causes=[BY_TIMER],
    reported=["bureau.memory"],
    commits=[FIRST, Commit(9000, "Worn memory", {"cmd/prune/main.go": PRUNES.format("months * 30"),
        "deploy/prune.service": "[Service]\nType=oneshot\nExecStart=/usr/local/bin/prune\n",
        "deploy/prune.timer": "[Timer]\nOnCalendar=Fri 05:10\n"}),
        Commit(20, "One unit", {"cmd/prune/main.go": PRUNES.format("days")}),
        Commit(1, "Origin of a pair", {"migrations/versions/0003_origin.py": _migration("0003", "0002", (
            "ALTER TABLE bureau.memory ADD COLUMN origin text",))})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**BY_TIMER, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

# The service's route; a nightly script deletes of the same table what is another year's.
BY_ROUTE = {"cause": "application", "tables": ("bureau.commission", "bureau.segment")}
BULK = "DELETE FROM bureau.commission WHERE due < '2026-09-01'"
commissions_deleted_by_a_route = Script(
    "commissions_deleted_by_a_route",
    "A route deletes every commission before a day that the page fills in wrongly; a nightly script deletes others",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("bureau", "nightly", "DELETE FROM bureau.invoice WHERE settled AND client_id < 0"),
        act("hofer", "psql", "DELETE FROM bureau.commissions", fails=True),
        act("bureau", API, BULK),
        act("bureau", API, "INSERT INTO bureau.commission (client_id, title, due) VALUES (9, 'Vertrag', '2026-12-24')"),
        checkpoint,
    ],
    {
        **STANDING,
        # Four a day over 300 days; 243 days lie before September. Ten segments each, and an 11th of the first forty.
        "bureau.commission": lost("delete", 972, 229),
        "bureau.segment": lost("cascade_delete", 9760, 2280, via=["bureau.commission"]),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    roots=["bureau.commission"],
    causes=[BY_ROUTE],
    reported=["bureau.commission"],
    commits=[FIRST, Commit(300, "Archive", {
        "bureau/routes/commissions.py": "from bureau.web import router\n\n\n@router.delete('/commissions')\nasync def "
        "clear(before: str, db):\n    await db.execute(\"DELETE FROM bureau.commission WHERE due < $1\", before)\n",
        "scripts/nightly.sh": "#!/bin/sh\npsql -d bureau -c 'DELETE FROM bureau.invoice WHERE settled AND client_id < "
        "0'\n", "etc/cron.d/nightly": "15 2 * * * bureau /srv/bureau/scripts/nightly.sh\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**BY_ROUTE, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

# Somebody at a console under the application's own login; route, script and clock leave that table alone.
BY_HAND = {"cause": "manual_session", "tables": ("bureau.term",)}
terms_deleted_at_a_console = Script(
    "terms_deleted_at_a_console",
    "Terms of one language pair were to go; under the login that all share the condition lost its second half",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("bureau", "psql", "DELETE FROM bureau.term WHERE pair = 'de-en' AND term LIKE '%'"),
        act("bureau", API, "INSERT INTO bureau.term (pair, term) VALUES ('de-it', 'Vertrag'), ('de-it', 'Frist')"),
        act("reader", "Grafana", "DELETE FROM bureau.term", fails=True),
        checkpoint,
    ],
    {**STANDING, "bureau.term": lost("delete", 700, 2)},
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    roots=["bureau.term"],
    causes=[BY_HAND],
    reported=["bureau.term"],
    commits=[FIRST, Commit(200, "Drafts end", {"bureau/drafts.py": _asked("forget_drafts", STALE)})],
    later=[LATER],
    settings=SETTINGS,
    views=ANONYMOUS,
)  # fmt: skip

# A migration removes what it takes for duplicates; a job deletes of the same table.
TWICE = (
    "DELETE FROM bureau.segment s USING bureau.segment o WHERE o.commission_id = s.commission_id AND o.id < s.id AND "
    "o.target IS NOT NULL"
)
BY_RELEASE = {"cause": "migration", "tables": ("bureau.segment",)}
segments_taken_for_twins = Script(
    "segments_taken_for_twins",
    "A migration deletes segments as duplicates and compares too little; a nightly job deletes empty ones",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("bureau", "", "DELETE FROM bureau.segment WHERE target IS NULL AND id < 0"),
        act("bureau", "", TWICE, NOTED.format("0003"), whole=True),
        act("bureau", API, "SELECT count(*) FROM bureau.segment"),
        act("hofer", "psql", "DELETE FROM bureau.segments WHERE id = 7", fails=True),
        checkpoint,
    ],
    # One of each commission stays.
    {**STANDING, "bureau.segment": lost("delete", 10840, 1200)},
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=["bureau.segment"],
    causes=[BY_RELEASE],
    reported=["bureau.segment"],
    commits=[FIRST, Commit(700, "Empty segments", {"jobs/empty.py": _asked("run", "DELETE FROM bureau.segment WHERE "
        "target IS NULL"), "etc/cron.d/empty": "40 3 * * * bureau python3 -m jobs.empty\n"}),
        Commit(1, "Every segment once", {"migrations/versions/0003_once.py": _migration("0003", "0002", (TWICE,))})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**BY_RELEASE, "accepts": ("unknown", "scheduled_job")},)}
           for view in BLIND},
)  # fmt: skip

# A helper of the tests that names no table empties all; the address was that of the running service.
ALL = ("bureau.client", "bureau.translator", "bureau.commission", "bureau.segment", "bureau.invoice", "bureau.memory",
       "bureau.draft", "bureau.term")  # fmt: skip
BY_TESTS = {"cause": "test_run", "tables": ALL}
EMPTIES = (
    "import pytest\n\nfrom bureau.db import connect\n\n\ndef fresh(conn):\n    names = [row[0] for row in conn.execute("
    "\"SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'bureau'\")]\n    conn.execute("
    "'TRUNCATE ' + ', '.join(names) + ' RESTART IDENTITY CASCADE')\n\n\n@pytest.fixture(autouse=True)\ndef clean():\n"
    "    fresh(connect())\n    yield\n"
)
helper_that_names_no_table = Script(
    "helper_that_names_no_table",
    "A fixture empties whatever stands in the schema, on the address that a shell of the service still held",
    "bureau",
    "bureau",
    TABLES,
    [
        FILLED,
        WORKED,
        checkpoint,
        act("reader", "psql", "TRUNCATE bureau.draft", fails=True),
        act("bureau", "", f"TRUNCATE {', '.join(ALL)} RESTART IDENTITY CASCADE"),
        act("bureau", "", "INSERT INTO bureau.client (name) VALUES ('Acme Test')", "INSERT INTO bureau.commission "
            "(client_id, title, due) VALUES (1, 't', '2030-01-01')", "DELETE FROM bureau.commission",
            f"TRUNCATE {', '.join(ALL)} RESTART IDENTITY CASCADE"),
        act("bureau", API, "SELECT count(*) FROM bureau.client"),
        checkpoint,
    ],
    {**STANDING, **{name: lost("truncate", None) for name in ALL}},
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    roots=list(ALL),
    causes=[BY_TESTS],
    reported=["bureau.client", "bureau.commission"],
    commits=[FIRST, Commit(3000, "Tests", {"tests/conftest.py": EMPTIES, "tests/test_clients.py": "def test_forget("
        "client):\n    assert client.delete('/clients/1').status_code == 204\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**BY_TESTS, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        drafts_that_a_clock_forgot, memory_pruned_by_a_program, commissions_deleted_by_a_route,
        terms_deleted_at_a_console, segments_taken_for_twins, helper_that_names_no_table,
    )
)  # fmt: skip
