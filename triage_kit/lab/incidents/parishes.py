"""Parish registers in Welsh, on CakePHP and Phinx: a suite on the live address, nobody's entries, a note to people."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, act, checkpoint, lost, ok

REGISTERS = (
    "CREATE TABLE cofnod.plwyf (id serial PRIMARY KEY, enw text NOT NULL UNIQUE, sir text NOT NULL)",
    "CREATE TABLE cofnod.cofrestr (id serial PRIMARY KEY, plwyf_id int NOT NULL REFERENCES cofnod.plwyf, math char(1) "
    "NOT NULL, o smallint, hyd smallint)",
    "CREATE TABLE cofnod.llun (id serial PRIMARY KEY, cofrestr_id int NOT NULL REFERENCES cofnod.cofrestr, ffeil text "
    "NOT NULL, niwlog boolean NOT NULL DEFAULT false, gwiriwyd boolean NOT NULL DEFAULT false)",
    "CREATE TABLE cofnod.nodyn (id serial PRIMARY KEY, plwyf text NOT NULL, testun text NOT NULL)",
)
ENTRIES = (
    "CREATE TABLE cofnod.gwirfoddolwr (id serial PRIMARY KEY, enw text NOT NULL, ebost text)",
    "CREATE TABLE cofnod.eitem (id bigserial PRIMARY KEY, cofrestr_id int NOT NULL REFERENCES cofnod.cofrestr, "
    "gwirfoddolwr_id int REFERENCES cofnod.gwirfoddolwr, dyddiad date, testun text)",
    "CREATE TABLE cofnod.person (id bigserial PRIMARY KEY, eitem_id bigint NOT NULL REFERENCES cofnod.eitem ON DELETE "
    "CASCADE, enw text, cyfenw text)",
    "CREATE INDEX person_eitem ON cofnod.person (eitem_id)",
    "CREATE TABLE cofnod.drafft (id bigserial PRIMARY KEY, cofrestr_id int NOT NULL REFERENCES cofnod.cofrestr, "
    "gwirfoddolwr_id int NOT NULL REFERENCES cofnod.gwirfoddolwr, testun text, statws text NOT NULL)",
    "CREATE TABLE cofnod.neges (id bigserial PRIMARY KEY, at text NOT NULL, corff text)",
)
BOOK = (
    "CREATE TABLE public.phinxlog (version bigint PRIMARY KEY, migration_name varchar(100), start_time timestamp, "
    "end_time timestamp, breakpoint boolean NOT NULL DEFAULT false)"
)
NOTED = "INSERT INTO public.phinxlog VALUES ({}, '{}', now(), now(), false)"
TABLES = (
    "CREATE SCHEMA cofnod",
    BOOK,
    *REGISTERS,
    *ENTRIES,
    NOTED.format(20210305101500, "Cofrestri"),
    NOTED.format(20210412090000, "Eitemau"),
)
PHP = ""  # PDO sets no name
TRANSCRIBED = act(
    "achau_gwe",
    PHP,
    "INSERT INTO cofnod.plwyf (enw, sir) SELECT 'Plwyf ' || g, 'Gwynedd' FROM generate_series(1, 96) g",
    "INSERT INTO cofnod.cofrestr (plwyf_id, math, o, hyd) SELECT 1 + g % 96, (ARRAY['B', 'P', 'C'])[1 + g % 3], 1700, "
    "1837 FROM generate_series(1, 380) g",
    "INSERT INTO cofnod.llun (cofrestr_id, ffeil, niwlog, gwiriwyd) SELECT 1 + g % 380, g || '.tif', g % 10 = 0, g % 4 "
    "<> 0 FROM generate_series(1, 3800) g",
    "INSERT INTO cofnod.nodyn (plwyf, testun) SELECT CASE WHEN g % 7 < 2 THEN 'Parish of ' ELSE 'Plwyf ' END || 1 + g "
    "% 96, 'Gweler y gofrestr' FROM generate_series(1, 700) g",
    "INSERT INTO cofnod.gwirfoddolwr (enw, ebost) SELECT 'Gwirfoddolwr ' || g, g || '@example.cymru' FROM "
    "generate_series(1, 150) g",
    "INSERT INTO cofnod.eitem (cofrestr_id, gwirfoddolwr_id, dyddiad) SELECT 1 + g % 380, CASE WHEN g % 5 > 0 THEN 1 +"
    " g % 150 END, date '1700-01-01' + g FROM generate_series(1, 12000) g",
    "INSERT INTO cofnod.person (eitem_id, enw, cyfenw) SELECT 1 + g / 2, 'Enw', 'Cyfenw ' || g % 40 FROM "
    "generate_series(0, 23999) g",
    "INSERT INTO cofnod.drafft (cofrestr_id, gwirfoddolwr_id, testun, statws) SELECT 1 + g % 380, 1 + g % 150, "
    "'Bedyddiwyd', 'gorffenwyd' FROM generate_series(1, 820) g",
)
SENT = (
    act("achau_gwe", PHP, "INSERT INTO cofnod.neges (at, corff) SELECT g || '@example.cymru', 'Diolch' FROM "
        "generate_series(1, 64) g"),
    act("trosi", PHP, "DELETE FROM cofnod.neges WHERE id IN (SELECT id FROM cofnod.neges ORDER BY id LIMIT 500)"),
)  # fmt: skip
STANDING = {
    "public.phinxlog": ok(2),
    "cofnod.plwyf": ok(96),
    "cofnod.cofrestr": ok(380),
    "cofnod.llun": ok(3800),
    "cofnod.nodyn": ok(700),
    "cofnod.gwirfoddolwr": ok(150),
    "cofnod.eitem": ok(12000),
    "cofnod.person": ok(24000),
    "cofnod.drafft": ok(820),
    "cofnod.neges": ok(0, "delete", accepts=["none"]),
}
SCOPE = ("cofnod", "public")
QUEUE = {"cofnod.neges": ("none", "rollback")}
ROLES = {"achau_gwe": "achau", "trosi": "achau", "eleri": "achau", "darllen": ""}
SETTINGS = {
    "logging_collector": True,  # without it nothing is written to a csv log
    "log_destination": "csvlog",
    "log_filename": "achau.log",
    "log_timezone": "Europe/London",
}
WRITES = {**SETTINGS, "log_statement": "mod"}
LOGS = {"logs": ["log/*.csv"]}


def _phinx(name: str, *statements: str) -> str:
    run = "".join(f'        $this->execute("{each}");\n' for each in statements)
    return (
        "<?php\nuse Migrations\\AbstractMigration;\n\n"
        f"class {name} extends AbstractMigration\n{{\n    public function up(): void\n    {{\n{run}    }}\n}}\n"
    )


FIRST = Commit(30000, "Cofrestri ac eitemau", {
    "config/Migrations/20210305101500_Cofrestri.php": _phinx("Cofrestri", *REGISTERS),
    "config/Migrations/20210412090000_Eitemau.php": _phinx("Eitemau", *ENTRIES),
    "src/Command/AnfonCommand.php": "<?php\n// cron, bob munud, fel trosi\n$rhesi = $this->cyswllt->execute('DELETE FR"
    "OM cofnod.neges WHERE id IN (SELECT id FROM cofnod.neges ORDER BY id LIMIT 500) RETURNING at, corff');\nforeach "
    "($rhesi as $rhes) {\n    $this->postio($rhes);\n}\n",
    "config/app.php": "<?php\nreturn ['Datasources' => [\n    'default' => ['url' => env('DATABASE_URL')],\n    'test'"
    " => ['url' => env('DATABASE_TEST_URL', env('DATABASE_URL'))],\n]];\n",
}, author="Eleri Rhys <eleri@example.cymru>")  # fmt: skip
COLUMN = "ALTER TABLE cofnod.plwyf ADD COLUMN esgobaeth text"
MIGRATED = act("achau", PHP, COLUMN, NOTED.format(20261126081500, "Esgobaeth"), whole=True)
DIOCESES = Commit(4, "Esgobaeth y plwyf", {
    "config/Migrations/20261126081500_Esgobaeth.php": _phinx("Esgobaeth", COLUMN)})  # fmt: skip
LATER = act("achau_gwe", PHP, "INSERT INTO cofnod.neges (at, corff) VALUES ('a@example.cymru', 'Croeso')")

CLEARED = (
    'TRUNCATE "cofnod"."plwyf" RESTART IDENTITY CASCADE',
    'TRUNCATE "cofnod"."gwirfoddolwr" RESTART IDENTITY CASCADE',
)
FIXED = (
    "INSERT INTO cofnod.plwyf (enw, sir) VALUES ('Llan Ffug', 'Prawf'), ('Llan Arall', 'Prawf')",
    "INSERT INTO cofnod.gwirfoddolwr (enw) VALUES ('Profwr Un')",
)
REACHED = ("cofnod.cofrestr", "cofnod.llun", "cofnod.eitem", "cofnod.person", "cofnod.drafft")
FROM_BOTH = ("cofnod.plwyf", "cofnod.gwirfoddolwr")
BY_SUITE = {"cause": "test_run", "tables": (*FROM_BOTH, *REACHED)}
fixtures_of_the_parish_test = Script(
    "fixtures_of_the_parish_test",
    "PHPUnit without DATABASE_TEST_URL falls back to the live database: CakePHP's fixtures truncate two tables, and by "
    "cascade five more, after each test",
    "achau",
    "achau",
    TABLES,
    [
        TRANSCRIBED,
        *SENT,
        MIGRATED,
        checkpoint,
        act("eleri", "psql", "DELETE FROM cofnod.llun WHERE ffeil = ''"),
        act("achau", PHP, *FIXED, *CLEARED),
        act("achau", PHP, *FIXED, "INSERT INTO cofnod.plwyf (enw, sir) VALUES ('Llan Ffug', 'Prawf')", fails=True),
        act("achau", PHP, *CLEARED),
        act("achau_gwe", PHP, "INSERT INTO cofnod.drafft (cofrestr_id, gwirfoddolwr_id, statws) VALUES (31, 14, "
            "'newydd')", fails=True),
        act("darllen", "psql", "TRUNCATE cofnod.plwyf CASCADE", fails=True),
        act("eleri", "psql", "SELECT count(*) FROM cofnod.eitem", "SELECT count(*) FROM cofnod.nodyn"),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.phinxlog": ok(3),
        # What fixtures put in and took out again nobody misses.
        "cofnod.plwyf": lost("truncate", 96),
        "cofnod.gwirfoddolwr": lost("truncate", 150),
        "cofnod.cofrestr": lost("truncate", 380, via=["cofnod.plwyf"]),
        "cofnod.llun": lost("truncate", 3800, via=["cofnod.plwyf"]),
        "cofnod.eitem": lost("truncate", 12000, via=FROM_BOTH),
        "cofnod.person": lost("truncate", 24000, via=FROM_BOTH),
        "cofnod.drafft": lost("truncate", 820, via=FROM_BOTH),
    },
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    app_role="achau_gwe",
    roots=FROM_BOTH,
    causes=[BY_SUITE],
    reported=["eitem", "plwyf"],
    commits=[FIRST, DIOCESES, Commit(9000, "Profion", {
        "tests/Fixture/PlwyfFixture.php": "<?php\nnamespace App\\Test\\Fixture;\n\nclass PlwyfFixture extends "
        "\\Cake\\TestSuite\\Fixture\\TestFixture\n{\n    public string $table = 'cofnod.plwyf';\n    public array $rec"
        "ords = [\n        ['enw' => 'Llan Ffug', 'sir' => 'Prawf'],\n        ['enw' => 'Llan Arall', 'sir' => 'Prawf'"
        "],\n    ];\n}\n",
        "tests/Fixture/GwirfoddolwrFixture.php": "<?php\nnamespace App\\Test\\Fixture;\n\nclass GwirfoddolwrFixture ex"
        "tends \\Cake\\TestSuite\\Fixture\\TestFixture\n{\n    public string $table = 'cofnod.gwirfoddolwr';\n    publ"
        "ic array $records = [['enw' => 'Profwr Un']];\n}\n",
        "tests/TestCase/Model/PlwyfTableTest.php": "<?php\nclass PlwyfTableTest extends \\Cake\\TestSuite\\TestCase\n{"
        "\n    protected array $fixtures = ['app.Plwyf', 'app.Gwirfoddolwr'];\n\n    public function testEnwUnigryw():"
        " void\n    {\n        $this->expectException(\\PDOException::class);\n        $this->Plwyf->saveOrFail($this-"
        ">Plwyf->newEntity(['enw' => 'Llan Ffug', 'sir' => 'Prawf']));\n    }\n}\n",
        "phpunit.xml.dist": "<phpunit bootstrap=\"tests/bootstrap.php\"><extensions><bootstrap class=\"Cake\\TestSuite"
        "\\Fixture\\Extension\\PHPUnitExtension\"/></extensions></phpunit>\n"})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    # The storage tells the TRUNCATE everywhere; who it was, an error of the test in the log, or nothing.
    views={view: {"untellable": {**QUEUE, **(
        dict.fromkeys(BY_SUITE["tables"], ("none", "recreate", "counters_reset")) if view == "stats_csv" else {})},
                  "causes": ({**BY_SUITE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

OF_NOBODY = 'DELETE FROM "cofnod"."eitem" WHERE "gwirfoddolwr_id" IS NULL'
BY_PAGE = {"cause": "application", "tables": ("cofnod.eitem", "cofnod.person")}
MINE_DELETED = Commit(200, "Dileu fy nghyfraniadau", {
    "src/Controller/CyfraniadauController.php": "<?php\nnamespace App\\Controller;\n\nclass CyfraniadauController "
    "extends AppController\n{\n    public function dileu()\n    {\n        $this->request->allowMethod(['post', "
    "'delete']);\n        $id = $this->Authentication->getIdentity()?->getIdentifier();\n        $this->fetchTable("
    "'Eitem')->deleteAll(['gwirfoddolwr_id IS' => $id]);\n        return $this->redirect('/');\n    }\n}\n",
})  # fmt: skip
contributions_of_nobody = Script(
    "contributions_of_nobody",
    "A page deletes what the volunteer contributed; an expired login makes that NULL, and 'IS' in CakePHP then means "
    "every entry that was imported before there were volunteers",
    "achau",
    "achau",
    TABLES,
    [
        TRANSCRIBED,
        *SENT,
        checkpoint,
        MIGRATED,
        act("achau_gwe", PHP, 'DELETE FROM "cofnod"."eitem" WHERE "gwirfoddolwr_id" = 151'),
        act("achau_gwe", PHP, OF_NOBODY),
        act("eleri", "psql", "SELECT count(*) FROM cofnod.eitem WHERE gwirfoddolwr_id IS NULL"),
        act("eleri", "psql", "DELETE FROM cofnod.eitemau WHERE testun = ''", fails=True),
        act("achau_gwe", PHP, "INSERT INTO cofnod.person (eitem_id, enw) VALUES (5, 'Gwen')", fails=True),
        act("darllen", "psql", "DELETE FROM cofnod.person", fails=True),
        act("trosi", PHP, "DELETE FROM cofnod.drafft WHERE statws = 'dilëwyd'"),
        act("achau_gwe", PHP, "INSERT INTO cofnod.eitem (cofrestr_id, gwirfoddolwr_id) VALUES (8, 12), (9, 12)"),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.phinxlog": ok(3),
        # Every fifth entry, with two persons each.
        "cofnod.eitem": lost("delete", 2400, 9602),
        "cofnod.person": lost("cascade_delete", 4800, 19200, via=["cofnod.eitem"]),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    app_role="achau_gwe",
    roots=["cofnod.eitem"],
    causes=[BY_PAGE],
    reported=["eitem"],
    commits=[FIRST, DIOCESES, MINE_DELETED, Commit(5000, "Drafftiau a ddilëwyd", {
        "src/Command/TaclusoCommand.php": "<?php\n$this->cyswllt->execute(\"DELETE FROM cofnod.drafft WHERE statws = "
        "'dilëwyd'\");\n"})],
    later=[LATER],
    settings=WRITES,
    case=LOGS,
    views={view: {"untellable": {**QUEUE, **(
        dict.fromkeys(BY_PAGE["tables"], ("none", "counters_reset", "delete")) if view == "crash"
        else {"cofnod.person": ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_PAGE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

KEYED = (
    "CREATE TABLE cofnod.nodyn_newydd (id serial PRIMARY KEY, plwyf_id int NOT NULL REFERENCES cofnod.plwyf, testun te"
    "xt NOT NULL)",
    "INSERT INTO cofnod.nodyn_newydd (plwyf_id, testun) SELECT p.id, n.testun FROM cofnod.nodyn n JOIN cofnod.plwyf p "
    "ON p.enw = n.plwyf ORDER BY n.id",
    "DROP TABLE cofnod.nodyn",
    "ALTER TABLE cofnod.nodyn_newydd RENAME TO nodyn",
)
BLURRED = "DELETE FROM cofnod.llun WHERE cofrestr_id = 11 AND niwlog OR NOT gwiriwyd"
BY_PHINX = {"cause": "migration", "tables": ("cofnod.nodyn",)}
BY_ELERI = {"cause": "manual_session", "tables": ("cofnod.llun",)}
notes_in_english_and_an_or = Script(
    "notes_in_english_and_an_or",
    "A migration gives notes a key to their parish and drops those that name it in English; the same morning somebody "
    "deletes blurred images of one register, and every unchecked one with an OR",
    "achau",
    "achau",
    TABLES,
    [
        TRANSCRIBED,
        *SENT,
        checkpoint,
        act("achau", PHP, *KEYED, NOTED.format(20261126081500, "NodynPlwyf"), whole=True),
        act("achau_gwe", PHP, "INSERT INTO cofnod.nodyn (plwyf_id, testun) VALUES (12, 'Tudalen ar goll')"),
        act("achau_gwe", PHP, "SELECT plwyf FROM cofnod.nodyn", fails=True),
        checkpoint,
        act("eleri", "psql", "SELECT count(*) FROM cofnod.llun WHERE cofrestr_id = 11 AND niwlog"),
        act("eleri", "psql", BLURRED),
        act("eleri", "psql", "ROLLBACK", "SELECT count(*) FROM cofnod.llun"),
        act("darllen", "psql", "DELETE FROM cofnod.nodyn", fails=True),
        act("postgres", "psql", "VACUUM FULL cofnod.cofrestr"),
        act("achau_gwe", PHP, "INSERT INTO cofnod.llun (cofrestr_id, ffeil) VALUES (11, '3801.tif')"),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.phinxlog": ok(3),
        # Two notes of seven name the parish in English.
        "cofnod.nodyn": lost("recreate", 200, 501),
        # Every fourth, and ten of register 11, of which none is among them.
        "cofnod.llun": lost("delete", 960, 2841),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    app_role="achau_gwe",
    roots=["cofnod.nodyn", "cofnod.llun"],
    causes=[BY_PHINX, BY_ELERI],
    reported=["nodyn", "llun"],
    commits=[FIRST, Commit(6, "Allwedd o nodyn i blwyf", {
        "config/Migrations/20261126081500_NodynPlwyf.php": _phinx("NodynPlwyf", *KEYED)}),
        Commit(7000, "Lluniau niwlog", {"docs/lluniau.md": "Lluniau niwlog o un gofrestr: tynnu eto, wedyn dileu'r hen "
        "rai yn psql.\n"})],
    later=[LATER],
    settings=WRITES,
    case=LOGS,
    # The repository tells of the migration; without the log nothing tells of the hand.
    views={view: {"untellable": {**QUEUE, "cofnod.nodyn": ("none",) if view == "stats_csv" else (),
                                 "cofnod.llun": ("none", "counters_reset") if view == "crash" else ()},
                  "causes": ({**BY_PHINX, "accepts": ("unknown",)}, {**BY_ELERI, "accepts": ("unknown",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

FINISHED = (
    "INSERT INTO cofnod.eitem (cofrestr_id, gwirfoddolwr_id, testun) SELECT cofrestr_id, gwirfoddolwr_id, testun FROM "
    "cofnod.drafft WHERE statws = 'gorffenwyd'",
    "DELETE FROM cofnod.drafft WHERE statws = 'gorffenwyd'",
)
TAKEN_OVER = act("trosi", PHP, *FINISHED, whole=True)
drafts_that_were_taken_over = Script(
    "drafts_that_were_taken_over",
    "False alarm: volunteers miss all their drafts; they were finished, and the hourly job made entries of them, as it "
    "always does",
    "achau",
    "achau",
    TABLES,
    [
        TRANSCRIBED,
        *SENT,
        TAKEN_OVER,
        checkpoint,
        act("achau_gwe", PHP, "INSERT INTO cofnod.drafft (cofrestr_id, gwirfoddolwr_id, testun, statws) SELECT 1 + g % "
            "380, 14, 'Priodwyd', 'gorffenwyd' FROM generate_series(1, 60) g"),
        MIGRATED,
        TAKEN_OVER,
        act("achau_gwe", PHP, "SELECT count(*) FROM cofnod.drafft WHERE gwirfoddolwr_id = 14"),
        act("eleri", "psql", "DELETE FROM cofnod.drafft WHERE gwirfoddolwr_id = 14"),
        act("eleri", "psql", "DELETE FROM cofnod.eitem WHERE gwirfoddolwr_id = 14", undone=True),
        act("darllen", "psql", "TRUNCATE cofnod.drafft", fails=True),
        act("eleri", "psql", "DELETE FROM cofnod.plwyf WHERE id = 3", fails=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.phinxlog": ok(3),
        "cofnod.eitem": ok(12880, accepts=["delete", "rollback"]),
        "cofnod.person": ok(24000, accepts=["delete", "cascade_delete", "rollback"]),
        "cofnod.drafft": {**ok(0, "delete", accepts=["none", "update"]), "statuses": ("hidden",)},
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    app_role="achau_gwe",
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["drafft"],
    commits=[FIRST, DIOCESES, Commit(20000, "Drafftiau gorffenedig", {
        "src/Command/TrosiCommand.php": "<?php\n// bob awr: mae drafft gorffenedig yn troi'n eitem\n$this->cyswllt->"
        f"transactional(function ($c) {{\n    $c->execute(\"{FINISHED[0]}\");\n"
        f"    $c->execute(\"{FINISHED[1]}\");\n}});\n",
        "ops/crontab": "5 * * * * trosi php /srv/achau/bin/cake.php trosi\n* * * * * trosi php /srv/achau/bin/cake.php "
        "anfon\n"})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    views={view: {"untellable": {**QUEUE, "cofnod.drafft": ("none", "rollback", "counters_reset")}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        fixtures_of_the_parish_test,
        contributions_of_nobody,
        notes_in_english_and_an_or,
        drafts_that_were_taken_over,
    )
)
