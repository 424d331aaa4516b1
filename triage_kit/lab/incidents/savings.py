"""A savings society in Swahili, on Peewee and cron: a temporary table that was elsewhere, an owner that is none."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Act, Commit, Script, act, checkpoint, lost, ok

SOCIETY = (
    "CREATE TABLE tawi (id SERIAL NOT NULL PRIMARY KEY, jina VARCHAR(60) NOT NULL)",
    "CREATE TABLE mwanachama (id SERIAL NOT NULL PRIMARY KEY, tawi_id INTEGER NOT NULL REFERENCES tawi (id), namba "
    "VARCHAR(12) NOT NULL UNIQUE, jina VARCHAR(120) NOT NULL, simu VARCHAR(15))",
    "CREATE TABLE akiba (id SERIAL NOT NULL PRIMARY KEY, mwanachama_id INTEGER NOT NULL REFERENCES mwanachama (id), "
    "tawi_id INTEGER NOT NULL, kiasi NUMERIC(14, 2) NOT NULL, tarehe DATE NOT NULL)",
    "CREATE TABLE mkopo (id SERIAL NOT NULL PRIMARY KEY, mwanachama_id INTEGER NOT NULL REFERENCES mwanachama (id), "
    "tawi_id INTEGER NOT NULL, kiasi NUMERIC(14, 2) NOT NULL, hali VARCHAR(10) NOT NULL DEFAULT 'wazi')",
    "CREATE TABLE malipo (id SERIAL NOT NULL PRIMARY KEY, mkopo_id INTEGER NOT NULL REFERENCES mkopo (id), kiasi "
    "NUMERIC(14, 2) NOT NULL, tarehe DATE NOT NULL, kumbukumbu VARCHAR(20))",
    "CREATE INDEX malipo_mkopo_id ON malipo (mkopo_id)",
    "CREATE TABLE kikao (ufunguo CHAR(32) NOT NULL PRIMARY KEY, mwanachama_id INTEGER NOT NULL, mwisho TIMESTAMPTZ NOT "
    "NULL)",
)
# A temporary table of the real one's name is the trigger's workbench: payments of a loan are summed there by day.
TAKE_OVER = (
    "CREATE FUNCTION pokea_faili() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.hali = 'kamili' THEN INSERT INTO"
    " malipo (mkopo_id, kiasi, tarehe, kumbukumbu) SELECT mkopo_id, sum(kiasi), tarehe, min(kumbukumbu) FROM mstari "
    "WHERE faili_id = NEW.id AND kosa IS NULL GROUP BY 1, 3; INSERT INTO public.malipo (mkopo_id, kiasi, tarehe, "
    "kumbukumbu) SELECT mkopo_id, kiasi, tarehe, kumbukumbu FROM malipo; TRUNCATE malipo; END IF; RETURN NULL; END $$"
)
FILES = (
    "CREATE TABLE faili (id SERIAL NOT NULL PRIMARY KEY, jina VARCHAR(40) NOT NULL, hali VARCHAR(10) NOT NULL DEFAULT "
    "'jipya')",
    "CREATE TABLE mstari (faili_id INTEGER NOT NULL REFERENCES faili (id), mkopo_id INTEGER NOT NULL, kiasi NUMERIC(14,"
    " 2) NOT NULL, tarehe DATE NOT NULL, kumbukumbu VARCHAR(20), kosa VARCHAR(40))",
    TAKE_OVER,
    "CREATE TRIGGER faili_kamili AFTER UPDATE ON faili FOR EACH ROW EXECUTE FUNCTION pokea_faili()",
)
BOOK = (
    "CREATE TABLE migratehistory (id SERIAL NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, migrated_at TIMESTAMP NOT"
    " NULL DEFAULT now())"
)
NOTED = "INSERT INTO migratehistory (name) VALUES ('{}')"
TABLES = (
    BOOK,
    *SOCIETY,
    NOTED.format("001_chama"),
    *FILES,
    NOTED.format("002_faili"),
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ripoti",
)
WEB = "gunicorn: sacco"
SAVED = act(
    "sacco",
    WEB,
    "INSERT INTO tawi (jina) VALUES ('Arusha'), ('Moshi'), ('Tanga'), ('Dodoma')",
    "INSERT INTO mwanachama (tawi_id, namba, jina) SELECT 1 + g % 4, 'W' || lpad(g::text, 6, '0'), 'Mwanachama ' || g "
    "FROM generate_series(1, 2600) g",
    "INSERT INTO akiba (mwanachama_id, tawi_id, kiasi, tarehe) SELECT 1 + g % 2600, 1 + g % 4, 5000 + g % 900, date "
    "'2025-01-05' + g / 20 FROM generate_series(1, 13000) g",
    "INSERT INTO mkopo (mwanachama_id, tawi_id, kiasi, hali) SELECT 1 + g % 2600, 1 + g % 4, 400000, CASE WHEN g % 5 > "
    "1 THEN 'limelipwa' ELSE 'wazi' END FROM generate_series(1, 3400) g",
    "INSERT INTO malipo (mkopo_id, kiasi, tarehe) SELECT 1 + g % 3400, 20000 + g % 77, date '2024-02-01' + g / 24 FROM "
    "generate_series(1, 24000) g",
    "INSERT INTO kikao SELECT md5(g::text), 1 + g % 2600, now() + (g - 60) * interval '1 hour' FROM generate_series(1, "
    "500) g",
)
GATHER = "CREATE TEMPORARY TABLE malipo (LIKE public.malipo INCLUDING DEFAULTS)"


def _file(name: str, lines: int) -> tuple[str, ...]:
    return (
        f"INSERT INTO faili (jina) VALUES ('{name}')",
        "INSERT INTO mstari (faili_id, mkopo_id, kiasi, tarehe, kumbukumbu) SELECT (SELECT max(id) FROM faili), 2 + g "
        f"* 10, 20000, date '2026-11-20', 'NMB' || g FROM generate_series(1, {lines}) g",
    )


def _complete(name: str) -> str:
    return f"UPDATE faili SET hali = 'kamili' WHERE jina = '{name}'"


def _night(name: str, lines: int) -> Act:
    """As it went for two years: one session from the first line to the last."""
    return act("sacco", "pokea.py", GATHER, *_file(name, lines), _complete(name))


NIGHTS = (_night("nmb-1124", 260), _night("nmb-1125", 240))
SIGNED_OUT = act("sacco", WEB, "DELETE FROM kikao WHERE mwisho < now()")
STANDING = {
    "public.migratehistory": ok(2),
    "public.tawi": ok(4),
    "public.mwanachama": ok(2600),
    "public.akiba": ok(13000),
    "public.mkopo": ok(3400),
    "public.malipo": ok(24500),
    # Sessions that ended; nobody loses one that has not.
    "public.kikao": {**ok(None, "delete", accepts=["none"]), "statuses": ("partial", "undecided")},
    "public.faili": ok(2, accepts=["update"]),
    "public.mstari": ok(500),
}
SESSIONS = {"public.kikao": ("none", "rollback")}
ROLES = {"juma": "sacco", "ripoti": ""}


def _migration(*statements: str) -> str:
    return (
        "def migrate(migrator, database, fake=False, **kwargs):\n"
        + "".join(f'    migrator.sql("""{each}""")\n' for each in statements)
        + "\n\ndef rollback(migrator, database, fake=False, **kwargs):\n    pass\n"
    )


IMPORT = (
    '#!/usr/bin/env python3\n"""Faili la benki: huendeshwa na cron kila usiku."""\nimport csv\nimport sys\n\n'
    "from sacco.db import db\n\ndb.connect()\ndb.execute_sql('{}')  # ya muda\njina = sys.argv[1]\nfaili_id = db."
    "execute_sql('INSERT INTO faili (jina) VALUES (%s) RETURNING id', (jina,)).fetchone()[0]\nfor safu in csv.reader("
    "open(jina)):\n    db.execute_sql('INSERT INTO mstari (faili_id, mkopo_id, kiasi, tarehe, kumbukumbu) VALUES (%s, "
    "%s, %s, %s, %s)', (faili_id, *safu))\ndb.execute_sql(\"UPDATE faili SET hali = 'kamili' WHERE jina = %s\", (jina,)"
    ")\ndb.close()\n"
)
FIRST = Commit(18000, "Chama cha akiba na mikopo", {
    "migrations/001_chama.py": _migration(*SOCIETY),
    "migrations/002_faili.py": _migration(*FILES),
    "bin/pokea.py": IMPORT.format(GATHER),
    "ops/crontab": "# m h\n30 1 * * * sacco /opt/sacco/bin/pokea.py /srv/benki/nmb-$(date +\\%m\\%d)\n",
    "sacco/db.py": "from playhouse.db_url import connect\nimport os\n\ndb = connect(os.environ['DATABASE_URL'])\n",
    "sacco/vikao.py": "from sacco.db import db\n\n\ndef safisha():\n    db.execute_sql('DELETE FROM kikao WHERE mwisho"
    " < now()')\n",
    "requirements.txt": "peewee==3.18.2\npeewee-migrate==1.13.0\npsycopg2-binary==2.9.10\nflask==3.1.0\ngunicorn==23\n",
}, author="Neema Mushi <neema@example.tz>")  # fmt: skip
LATER = act("sacco", WEB, "INSERT INTO tawi (jina) VALUES ('Mbeya'), ('Mwanza')")

INDEXED = "CREATE INDEX mstari_faili_id ON mstari (faili_id)"
BY_CRON = {"cause": "scheduled_job", "accepts": ("application",), "tables": ("public.malipo",)}
temporary_table_of_another_session = Script(
    "temporary_table_of_another_session",
    "The bank's file is gathered in a temporary table that bears the name of the real one, and a trigger truncates it "
    "by that name; since the pooler changes servers between transactions it is not there, and the real one is emptied",
    "sacco",
    "sacco",
    TABLES,
    [
        SAVED,
        *NIGHTS,
        SIGNED_OUT,
        checkpoint,
        act("sacco", "pw_migrate", INDEXED, NOTED.format("003_mstari"), whole=True),
        act("juma", "psql", "DELETE FROM malipo WHERE kumbukumbu = 'JARIBIO'", "SELECT count(*) FROM malipo"),
        checkpoint,
        # Three servers of the pooler, one after another.
        act("sacco", "pokea.py", GATHER),
        act("sacco", "pokea.py", *_file("nmb-1126", 310)),
        act("sacco", "pokea.py", _complete("nmb-1126")),
        act("sacco", WEB, "INSERT INTO malipo (mkopo_id, kiasi, tarehe) VALUES (12, 25000, '2026-11-27'), (99, 18000, "
            "'2026-11-27'), (801, 5000, '2026-11-27')"),
        act("ripoti", "Superset", "TRUNCATE mstari", fails=True),
        act("juma", "psql", "SELECT max(tarehe) FROM malipo", "SELECT sum(kiasi) FROM malipa", fails=True),
        SIGNED_OUT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.migratehistory": ok(3),
        # Two nights brought 500; the third night's 310 were never there for anybody.
        "public.malipo": lost("truncate", 24500, 3),
        "public.faili": ok(3, accepts=["update"]),
        "public.mstari": ok(810),
    },
    "scheduled_job",
    roles=ROLES,
    roots=["public.malipo"],
    causes=[BY_CRON],
    reported=["malipo"],
    commits=[FIRST, Commit(26, "pgbouncer: miunganisho mingi mno", {"ops/pgbouncer.ini": "[databases]\nsacco = host="
        "127.0.0.1 port=5432\n\n[pgbouncer]\nlisten_port = 6432\npool_mode = transaction\ndefault_pool_size = 6\n",
        "ops/sacco.env": "DATABASE_URL=postgresql://sacco@127.0.0.1:6432/sacco\n"}, author="Juma Kessy "
        "<juma@example.tz>"), Commit(6, "Faharasa ya mistari", {"migrations/003_mstari.py": _migration(INDEXED)},
                                     author="Neema Mushi <neema@example.tz>")],
    later=[LATER],
    settings={"log_line_prefix": "%m [%p] %q%u@%d/%a ", "log_statement": "mod"},
    # What a function does stands in no log; that it does so, in the catalogue and in the migration.
    views={view: {"untellable": {**SESSIONS, **({"public.malipo": ("none", "counters_reset", "recreate")}
                                                if view in ("crash", "stats_csv") else {})},
                  "causes": ({**BY_CRON, "accepts": ("application", "migration", "unknown")},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

SECURED = ("public.akiba", "public.mkopo")
OF_A_BRANCH = tuple(
    statement
    for name in ("akiba", "mkopo")
    for statement in (
        f"CREATE POLICY ya_tawi ON {name} FOR SELECT TO ripoti_tawi USING (tawi_id = current_setting('sacco.tawi', "
        "true)::int)",
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    )
)
policy_the_owner_never_met = Script(
    "policy_the_owner_never_met",
    "Nothing is lost: for years two tables had policies for branch reports, and the application owned them, which "
    "frees it from policies; an administrator gives all it owns to another role and grants it everything back",
    "sacco",
    "sacco",
    (*TABLES, *OF_A_BRANCH, NOTED.format("003_sera_za_tawi"), "GRANT SELECT ON akiba, mkopo TO ripoti_tawi"),
    [
        SAVED,
        *NIGHTS,
        SIGNED_OUT,
        act("sacco", WEB, "SELECT count(*) FROM akiba", "INSERT INTO akiba (mwanachama_id, tawi_id, kiasi, tarehe) "
            "VALUES (14, 3, 9000, '2026-11-26')"),
        checkpoint,
        act("postgres", "psql", "CREATE ROLE sacco_dba NOLOGIN", "REASSIGN OWNED BY sacco TO sacco_dba",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO sacco", "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO sacco",
            "GRANT ALL ON SCHEMA public TO sacco"),
        act("sacco", WEB, "SELECT sum(kiasi) FROM akiba WHERE mwanachama_id = 14", "SELECT id, kiasi FROM mkopo WHERE "
            "hali = 'wazi'"),
        act("sacco", WEB, "INSERT INTO akiba (mwanachama_id, tawi_id, kiasi, tarehe) VALUES (15, 4, 7000, '2026-11-27')"
            " RETURNING id", fails=True),
        act("juma", "psql", "SELECT count(*) FROM mkopo", "DELETE FROM mkopo WHERE hali = 'kosa'"),
        act("juma", "psql", "TRUNCATE akibas", fails=True),
        act("sacco", WEB, "UPDATE mwanachama SET simu = '0754000111' WHERE id = 15"),
        SIGNED_OUT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.migratehistory": ok(3),
        "public.mwanachama": ok(2600, accepts=["update"]),
        "public.akiba": lost("hidden", 0, 13001, status="hidden"),
        "public.mkopo": lost("hidden", 0, 3400, status="hidden"),
    },
    "not_lost",
    roles={**ROLES, "ripoti_tawi": ""},
    app_role="sacco",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": SECURED}],
    reported=["akiba", "mkopo"],
    commits=[FIRST, Commit(9000, "Ripoti za matawi", {"migrations/003_sera_za_tawi.py": _migration(*OF_A_BRANCH)}),
        Commit(50, "Mikopo iliyolipwa huondoka baada ya miaka saba", {"bin/mikopo.py": "from sacco.db import db\n\n# "
            "mara moja kwa mwaka, Januari\ndb.execute_sql(\"DELETE FROM mkopo WHERE hali = 'limelipwa' AND id < 100\")"
            "\n"}, author="Neema Mushi <neema@example.tz>")],
    later=[act("sacco", WEB, "UPDATE tawi SET jina = 'Tanga Mjini' WHERE id = 3")],
    settings={"log_line_prefix": "%m [%p] %q%u@%d/%a ", "log_statement": "ddl"},
    views={view: {"untellable": {**SESSIONS, **(dict.fromkeys(SECURED, ("none",)) if view == "stats_csv" else {})}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (temporary_table_of_another_session, policy_the_owner_never_met))
