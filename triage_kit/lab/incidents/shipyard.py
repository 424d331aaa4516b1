"""A shipyard on Symfony and Doctrine: a scenario's purge, orphans removed, a table made anew, a quiet day."""

from __future__ import annotations

from psycopg import sql

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

VERSIONS = 'public."doctrine_migration_versions"'
HOURS = (
    'CREATE TABLE "Werft"."Stundenzettel" ("Nr" serial PRIMARY KEY, "Auftrag" int NOT NULL, "Tag" date NOT NULL, '
    '"Stunden" numeric(4, 2) NOT NULL)'
)
TABLES = (
    'CREATE SCHEMA "Werft"',
    'CREATE SCHEMA "Lager Nord"',
    f'CREATE TABLE {VERSIONS} ("version" varchar(191) PRIMARY KEY, "executed_at" timestamp(0), "execution_time" int)',
    f"INSERT INTO {VERSIONS} VALUES ('DoctrineMigrations\\Version20250311090000', now(), 80)",
    'CREATE TABLE "Werft"."Kunde" ("Nr" int PRIMARY KEY, "Name" text NOT NULL, "gültigBis" timestamptz)',
    'CREATE TABLE "Werft"."Auftrag" ("Nr" int PRIMARY KEY, "Kunde" int NOT NULL REFERENCES "Werft"."Kunde", '
    '"Rumpf" text)',
    'CREATE TABLE "Werft"."Position" ("Nr" bigserial PRIMARY KEY, "Auftrag" int NOT NULL REFERENCES "Werft"."Auftrag", '
    '"Text" text, "Cent" bigint)',
    HOURS,
    'CREATE TABLE "Lager Nord"."Blech" ("Charge" text PRIMARY KEY, "mm" smallint NOT NULL, "Platz" text)',
    'CREATE TABLE public."messenger_messages" ("id" bigserial PRIMARY KEY, "body" text NOT NULL, "queue_name" text)',
    'GRANT USAGE ON SCHEMA "Werft", "Lager Nord" TO werft_app',
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "Werft", "Lager Nord", public TO werft_app',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA "Werft", public TO werft_app',
)
ORDERED = act(
    "werft_app",
    "",
    "INSERT INTO \"Werft\".\"Kunde\" SELECT g, 'Reederei ' || g, '2030-12-31' FROM generate_series(1, 75) g",
    'INSERT INTO "Werft"."Auftrag" SELECT g, 1 + g % 75, \'S\' || g % 19 FROM generate_series(1, 620) g',
    'INSERT INTO "Werft"."Position" ("Auftrag", "Text", "Cent") SELECT 1 + g % 620, \'Spant \' || g, 100 * g FROM '
    "generate_series(1, 8060) g",
    'INSERT INTO "Werft"."Stundenzettel" ("Auftrag", "Tag", "Stunden") SELECT 1 + g % 620, date \'2026-01-01\' + g % '
    "320, 7.5 FROM generate_series(1, 5100) g",
    "INSERT INTO \"Lager Nord\".\"Blech\" SELECT 'C' || g, 6 + g % 20, 'R' || g % 40 FROM generate_series(1, 930) g",
)
BOOKED = act(
    "werft_app", "", 'INSERT INTO "Werft"."Position" ("Auftrag", "Text") VALUES (7, \'Anode\'), (9, \'Poller\')'
)
STANDING = {
    "public.doctrine_migration_versions": ok(1),
    "public.messenger_messages": ok(0),
    "Werft.Kunde": ok(75),
    "Werft.Auftrag": ok(620),
    "Werft.Position": ok(8062),
    "Werft.Stundenzettel": ok(5100),
    "Lager Nord.Blech": ok(930),
}
SCOPE = ("Werft", "Lager Nord", "public")
ROLES = {"werft_app": "", "h.petersen": "werft"}
SETTINGS = {"log_line_prefix": "%m [%p] %q%u@%d %a ", "log_timezone": "Europe/Berlin"}
FIRST = Commit(9000, "Erste Tabellen", {"migrations/Version20250311090000.php": "<?php\nfinal class "
    "Version20250311090000 extends AbstractMigration\n{\n    public function up(Schema $schema): void\n    {\n        "
    f"$this->addSql('{HOURS}');\n    }}\n}}\n"})  # fmt: skip
LATER = act("werft_app", "", 'INSERT INTO "Werft"."Position" ("Auftrag", "Text") VALUES (11, \'Klampe\')')

# As the scenario's hook deletes them: what refers to another goes first.
PURGED = ("Position", "Stundenzettel", "Auftrag", "Kunde")
scenario_purges_the_orders = Script(
    "scenario_purges_the_orders",
    "Acceptance tests start with a hook that deletes all orders; the runner's DATABASE_URL was that of the shipyard",
    "werft",
    "werft",
    TABLES,
    [
        ORDERED,
        BOOKED,
        checkpoint,
        act("werft_app", "behat", *[f'DELETE FROM "Werft"."{name}"' for name in PURGED]),
        act("werft_app", "behat", "INSERT INTO \"Werft\".\"Kunde\" VALUES (1, 'Behat Reederei', NULL)",
            'INSERT INTO "Werft"."Auftrag" VALUES (1, 1, \'Testrumpf\')'),
        act("h.petersen", "psql", 'TRUNCATE "Werft"."Positionen"', fails=True),
        act("h.petersen", "psql", 'DELETE FROM "Lager Nord"."Blech" WHERE "mm" > 20', undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        "Werft.Kunde": lost("delete", 75, 1),
        "Werft.Auftrag": lost("delete", 620, 1),
        "Werft.Position": lost("delete", 8062),
        "Werft.Stundenzettel": lost("delete", 5100),
    },
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    app_role="werft_app",
    roots=[f"Werft.{name}" for name in PURGED],
    reported=['"Werft"."Auftrag"'],
    commits=[FIRST, Commit(2000, "Abnahmetests", {"features/bootstrap/DatabaseContext.php": "<?php\nfinal class "
        "DatabaseContext implements Context\n{\n    /** @BeforeScenario */\n    public function purge(): void\n    {\n"
        "        foreach ([" + ", ".join(f"'{name}'" for name in PURGED) + "] as $table) {\n            "
        "$this->connection->executeStatement(sprintf('DELETE FROM \"Werft\".\"%s\"', $table));\n        }\n    }\n}\n",
        "behat.yml": "default:\n  suites:\n    default:\n      contexts: [DatabaseContext]\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

REMOVE = 'DELETE FROM "Werft"."Position" WHERE "Nr" = %s'


def _orphans_removed(stage: Stage) -> None:
    """One form after the other comes without its collection; the mapper deletes each orphan by its number."""
    with base.session(stage.server, stage.database, "werft_app", "") as connection:
        for order in range(301, 341):
            with connection.transaction():
                connection.execute('UPDATE "Werft"."Auftrag" SET "Rumpf" = "Rumpf" WHERE "Nr" = %s', [order])
                found = connection.execute('SELECT "Nr" FROM "Werft"."Position" WHERE "Auftrag" = %s', [order])
                for (number,) in found.fetchall():
                    connection.execute(sql.SQL(REMOVE), [number])


orphans_removed_by_the_form = Script(
    "orphans_removed_by_the_form",
    "A release leaves the positions out of the order's form: Doctrine takes them for orphans and deletes one by one",
    "werft",
    "werft",
    TABLES,
    [
        ORDERED,
        checkpoint,
        _orphans_removed,
        BOOKED,
        act("h.petersen", "psql", 'DELETE FROM "Werft"."Position" WHERE Auftrag = 301', fails=True),
        act("werft", "doctrine:migrations", 'CREATE INDEX ON "Werft"."Position" ("Auftrag")',
            f"INSERT INTO {VERSIONS} VALUES ('DoctrineMigrations\\Version20261126070000', now(), 12)", whole=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.doctrine_migration_versions": ok(2),
        "Werft.Auftrag": ok(620, accepts=["update"]),
        # Thirteen positions of forty orders.
        "Werft.Position": lost("delete", 520, 7542),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    app_role="werft_app",
    roots=["Werft.Position"],
    reported=['"Werft"."Position"'],
    commits=[FIRST, Commit(5000, "Aufträge", {"src/Entity/Auftrag.php": "<?php\n#[ORM\\Entity]\nclass Auftrag\n{\n    "
        "#[ORM\\OneToMany(targetEntity: Position::class, mappedBy: 'auftrag', cascade: ['persist', 'remove'], "
        "orphanRemoval: true)]\n    private Collection $positionen;\n}\n"}),
        Commit(2, "Formular ohne Positionen", {"src/Form/AuftragType.php": "<?php\nclass AuftragType extends "
            "AbstractType\n{\n    public function buildForm(FormBuilderInterface $b, array $o): void\n    {\n        "
            "$b->add('rumpf');\n    }\n}\n", "migrations/Version20261126070000.php": "<?php\nfinal class "
            "Version20261126070000 extends AbstractMigration\n{\n    public function up(Schema $schema): void\n    {\n"
            "        $this->addSql('CREATE INDEX ON \"Werft\".\"Position\" (\"Auftrag\")');\n    }\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

ANEW = ('DROP TABLE "Werft"."Stundenzettel"',
        'CREATE TABLE "Werft"."Stundenzettel" ("Nr" uuid PRIMARY KEY, "Auftrag" int NOT NULL, "Tag" date NOT NULL, '
        '"Minuten" int NOT NULL)',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON "Werft"."Stundenzettel" TO werft_app')  # fmt: skip
timesheets_made_anew = Script(
    "timesheets_made_anew",
    "A migration gives the time sheets another key: it drops the table and makes it anew, and nobody wrote the copying",
    "werft",
    "werft",
    TABLES,
    [
        ORDERED,
        BOOKED,
        checkpoint,
        act("werft", "", *ANEW, f"INSERT INTO {VERSIONS} VALUES ('DoctrineMigrations\\Version20261125160000', now(), "
            "240)", whole=True),
        *[act("werft_app", "", f"INSERT INTO \"Werft\".\"Stundenzettel\" VALUES (md5('z{n}')::uuid, {n}, now(), 450)")
          for n in (4, 5, 6)],
        act("werft_app", "", 'SELECT sum("Stunden") FROM "Werft"."Stundenzettel"', fails=True),
        act("h.petersen", "DBeaver 25.2", 'DELETE FROM "Werft"."Stundenzettel" WHERE "Tag" < now()', undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.doctrine_migration_versions": ok(2),
        "Werft.Stundenzettel": lost("recreate", None, 3),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    app_role="werft_app",
    roots=["Werft.Stundenzettel"],
    reported=['"Werft"."Stundenzettel"'],
    commits=[FIRST, Commit(3, "Stundenzettel mit UUID", {"migrations/Version20261125160000.php": "<?php\nfinal class "
        "Version20261125160000 extends AbstractMigration\n{\n    public function up(Schema $schema): void\n    {\n"
        + "".join(f"        $this->addSql('{each}');\n" for each in ANEW) + "    }\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

yard_on_a_quiet_day = Script(
    "yard_on_a_quiet_day",
    "A healthy database: a queue that is drained, plates that are used up and delivered, a table rewritten by upkeep",
    "werft",
    "werft",
    TABLES,
    [
        ORDERED,
        *[act("werft_app", "messenger:consume", 'INSERT INTO messenger_messages ("body", "queue_name") SELECT \'{}\', '
              "'async' FROM generate_series(1, 18) g", "DELETE FROM messenger_messages WHERE queue_name = 'async'")
          for _ in range(4)],
        act("werft_app", "", *[f'DELETE FROM "Lager Nord"."Blech" WHERE "Charge" = \'C{n}\'' for n in range(11, 16)],
            *[f"INSERT INTO \"Lager Nord\".\"Blech\" VALUES ('C{n}', 12, 'R1')" for n in range(11, 16)]),
        act("postgres", "upkeep", 'VACUUM FULL "Werft"."Stundenzettel"', 'REINDEX TABLE "Werft"."Position"'),
        BOOKED,
        act("h.petersen", "psql", 'DELETE FROM "Werft"."Kunde"', fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.messenger_messages": ok(0, "delete", accepts=["none"]),
        "Lager Nord.Blech": ok(930, accepts=["delete"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    app_role="werft_app",
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ()}],
    commits=[FIRST, Commit(4000, "Warteschlange", {"config/packages/messenger.yaml": "framework:\n  messenger:\n    "
        "transports:\n      async: 'doctrine://default'\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Seventy-two messages came and went: that each was worked off is known to the queue alone.
    views={view: {"untellable": {"public.messenger_messages": ("none", "rollback")}} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        scenario_purges_the_orders, orphans_removed_by_the_form, timesheets_made_anew, yard_on_a_quiet_day,
    )
)  # fmt: skip
