"""An insurer on Hibernate with quoted German capitals: tables made anew at start, orphans, Flyway, a rename, a dump."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

CREATE = {
    "KUNDE": 'CREATE TABLE "KUNDE" ("KD_NR" bigint PRIMARY KEY, "NAME" varchar(255) NOT NULL, "PLZ" varchar(5))',
    "POLICE": 'CREATE TABLE "POLICE" ("POL_NR" varchar(12) PRIMARY KEY, "KD_NR" bigint NOT NULL, "SPARTE" smallint)',
    "POLICE_BAUSTEIN": 'CREATE TABLE "POLICE_BAUSTEIN" ("ID" bigint PRIMARY KEY, "POL_NR" varchar(12) NOT NULL, '
    '"ART" varchar(30))',
    "SCHADEN": 'CREATE TABLE "SCHADEN" ("SCH_NR" bigint PRIMARY KEY, "POL_NR" varchar(12), "GEMELDET_AM" date, '
    '"BETRAG" numeric(12, 2))',
}
KEYS = (
    'ALTER TABLE IF EXISTS "POLICE" ADD CONSTRAINT "FKqx83h2" FOREIGN KEY ("KD_NR") REFERENCES "KUNDE"',
    'ALTER TABLE IF EXISTS "POLICE_BAUSTEIN" ADD CONSTRAINT "FKb0m51t" FOREIGN KEY ("POL_NR") REFERENCES "POLICE"',
    'ALTER TABLE IF EXISTS "SCHADEN" ADD CONSTRAINT "FKp7w90c" FOREIGN KEY ("POL_NR") REFERENCES "POLICE"',
)
REST = (
    'CREATE TABLE "TARIF" ("KENNUNG" varchar(8) PRIMARY KEY, "SATZ" numeric(8, 5) NOT NULL)',
    "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), script varchar(1000), "
    "success boolean NOT NULL)",
    "INSERT INTO flyway_schema_history VALUES (1, '1', 'V1__bestand.sql', true), (2, '2', 'V2__tarif.sql', true)",
)
TABLES = (*CREATE.values(), *KEYS, *REST)
# Every policy has eight parts: those of policy number n are 8n - 7 to 8n.
WRITTEN = act(
    "BESTAND",
    "bestand-service",
    "INSERT INTO \"KUNDE\" SELECT g, 'Kunde ' || g, lpad(g::text, 5, '0') FROM generate_series(1, 700) g",
    "INSERT INTO \"POLICE\" SELECT 'HR-' || g, 1 + g % 700, g % 5 FROM generate_series(1, 1200) g",
    "INSERT INTO \"POLICE_BAUSTEIN\" SELECT g, 'HR-' || (g + 7) / 8, 'Glas' FROM generate_series(1, 9600) g",
    "INSERT INTO \"SCHADEN\" SELECT g, 'HR-' || 1 + g % 1200, date '2026-01-01' + g % 300, g "
    "FROM generate_series(1, 340) g",
    "INSERT INTO \"TARIF\" SELECT 'T' || g, 0.01 * g FROM generate_series(1, 18) g",
    'UPDATE "SCHADEN" SET "BETRAG" = "BETRAG" * 1.02 WHERE "SCH_NR" % 9 = 0',
)
REPORTED = act("BESTAND", "schaden-portal", "INSERT INTO \"SCHADEN\" VALUES (9001, 'HR-1', '2026-11-25', 800), "
               "(9002, 'HR-1', '2026-11-25', 100), (9003, 'HR-1', '2026-11-25', 40)")  # fmt: skip
STANDING = {
    "public.KUNDE": ok(700),
    "public.POLICE": ok(1200),
    "public.POLICE_BAUSTEIN": ok(9600),
    "public.SCHADEN": ok(343, accepts=["update"]),
    "public.TARIF": ok(18),
    "public.flyway_schema_history": ok(2),
}
SETTINGS = {"log_line_prefix": "%m [%p] %r %q%u@%d %a ", "log_timezone": "Europe/Berlin"}
BEGUN = Commit(9000, "Bestand", {
    "src/main/resources/db/migration/V1__bestand.sql": ";\n".join((*CREATE.values(), *KEYS)) + ";\n",
    "src/main/resources/db/migration/V2__tarif.sql": REST[0] + ";\n",
    "src/main/resources/application.yml": "spring:\n  jpa:\n    hibernate:\n      ddl-auto: validate\n"})  # fmt: skip
MADE_ANEW = [f"public.{name}" for name in CREATE]

tables_created_at_start = Script(
    "tables_created_at_start",
    "A profile for demonstrations reached production: Hibernate drops and creates its tables when the service starts",
    "bestand",
    "BESTAND",
    TABLES,
    [
        WRITTEN,
        checkpoint,
        act("BESTAND", "bestand-service", *[f'DROP TABLE IF EXISTS "{name}" CASCADE' for name in CREATE],
            *CREATE.values(), *KEYS),
        act("BESTAND", "schaden-portal", 'INSERT INTO "KUNDE" VALUES (1, \'Erste\', \'10115\')',
            "INSERT INTO \"POLICE\" VALUES ('HR-1', 1, 2)"),
        REPORTED,
        checkpoint,
    ],
    {
        "public.KUNDE": lost("recreate", None, 1),
        "public.POLICE": lost("recreate", None, 1),
        "public.POLICE_BAUSTEIN": lost("recreate", None),
        "public.SCHADEN": lost("recreate", None, 3),
        "public.TARIF": ok(18),
        "public.flyway_schema_history": ok(2),
    },
    "application",
    roots=MADE_ANEW,
    reported=['"KUNDE"', '"POLICE"'],
    commits=[BEGUN, Commit(5, "Profil fuer Vorfuehrungen", {
        "src/main/resources/application-demo.yml": "spring:\n  jpa:\n    hibernate:\n      ddl-auto: create\n",
        "deploy/production.env": "SPRING_PROFILES_ACTIVE=production,demo\n"})],
    later=[act("BESTAND", "schaden-portal",
        'INSERT INTO "TARIF" SELECT \'N\' || g, 1 FROM generate_series(1, 3) g')],
    settings=SETTINGS,
    # Young counters of tables with rows, as of a database that is young itself.
    views={"stats_csv": {"untellable": dict.fromkeys(MADE_ANEW, ("none", "restore", "new_cluster"))}},
    holdout=True,
)  # fmt: skip

ORPHANS = tuple(f'delete from "POLICE_BAUSTEIN" where "ID" = {n}' for n in range(4801, 5441))
parts_removed_as_orphans = Script(
    "parts_removed_as_orphans",
    "The service saves policies with empty lists after a release: orphanRemoval deletes their parts one by one",
    "bestand",
    "BESTAND",
    TABLES,
    [
        WRITTEN,
        checkpoint,
        act("BESTAND", "bestand-service", *ORPHANS[:320], whole=True),
        act("BESTAND", "bestand-service", *ORPHANS[320:], whole=True),
        REPORTED,
        act("BESTAND", "Flyway Community Edition", "CREATE INDEX schaden_pol ON \"SCHADEN\" (\"POL_NR\")",
            "INSERT INTO flyway_schema_history VALUES (3, '3', 'V3__index.sql', true)", whole=True),
        checkpoint,
    ],
    {**STANDING, "public.POLICE_BAUSTEIN": lost("delete", 640, 8960), "public.flyway_schema_history": ok(3)},
    "application",
    roots=["public.POLICE_BAUSTEIN"],
    reported=['"POLICE_BAUSTEIN"'],
    commits=[BEGUN,
        Commit(2600, "Bausteine", {"src/main/java/de/bestand/Police.java": "@Entity\n@Table(name = \"POLICE\")\npublic "
            "class Police {\n  @OneToMany(mappedBy = \"police\", cascade = CascadeType.ALL, orphanRemoval = true)\n"
            "  private List<Baustein> bausteine = new ArrayList<>();\n}\n"}),
        Commit(28, "Police aus dem Formular uebernehmen", {"src/main/java/de/bestand/PoliceService.java":
            "class PoliceService {\n  void speichern(Police p, Formular f) {\n    p.getBausteine().clear();\n    "
            "p.getBausteine().addAll(f.bausteine());\n  }\n}\n"}),
        Commit(2, "Index", {"src/main/resources/db/migration/V3__index.sql":
            'CREATE INDEX schaden_pol ON "SCHADEN" ("POL_NR");\n'})],
    later=[act("BESTAND", "schaden-portal", "INSERT INTO \"SCHADEN\" VALUES (9101, 'HR-2', '2026-11-26', 8)")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

CLEANED = ["public.KUNDE", "public.POLICE", "public.POLICE_BAUSTEIN", "public.SCHADEN", "public.TARIF"]
flyway_cleaned_before_migrating = Script(
    "flyway_cleaned_before_migrating",
    "flyway:clean stood before flyway:migrate in a pipeline that was copied from the tests: every table is new",
    "bestand",
    "BESTAND",
    TABLES,
    [
        WRITTEN,
        REPORTED,
        checkpoint,
        act("BESTAND", "Flyway Community Edition",
            *[f'DROP TABLE IF EXISTS "public"."{name}" CASCADE'
              for name in (*CREATE, "TARIF", "flyway_schema_history")], *TABLES),
        act("BESTAND", "bestand-service", 'SELECT count(*) FROM "POLICE"'),
        checkpoint,
    ],
    {**{name: lost("recreate", None) for name in CLEANED},
     # Dropped as the rest, and it holds again what it held.
     "public.flyway_schema_history": ok(2, accepts=["recreate"])},
    "migration",
    roots=CLEANED,
    reported=['"POLICE"', '"SCHADEN"'],
    commits=[BEGUN, Commit(4, "Pipeline fuer die Produktion", {"azure-pipelines.yml": "steps:\n- task: Maven@4\n  "
        "inputs:\n    goals: flyway:clean flyway:migrate\n    options: -Dflyway.cleanDisabled=false "
        "-Dflyway.url=$(PROD_URL)\n"})],
    later=[act("BESTAND", "bestand-service", 'INSERT INTO "TARIF" SELECT \'N\' || g, 1 FROM generate_series(1, 3) g')],
    settings=SETTINGS,
    # Nothing of the schema is older than its neighbours: that it is not as old as the database is all that is there.
    views={view: {"untellable": dict.fromkeys(CLEANED, ()),
                  "tables": {"public.flyway_schema_history": {**ok(2, accepts=["recreate"]),
                                            "statuses": ("partial", "undecided")}}}
           for view in BLIND if view not in ("crash", "stats_csv")},
    holdout=True,
)  # fmt: skip

renamed_for_a_moment = Script(
    "renamed_for_a_moment",
    "Somebody renames the claims away to try a new structure, is called away, and nothing stands in their place",
    "bestand",
    "BESTAND",
    TABLES,
    [
        WRITTEN,
        REPORTED,
        checkpoint,
        act("hbrandt", "psql", 'SET ROLE "BESTAND"', 'ALTER TABLE "SCHADEN" RENAME TO "SCHADEN_ALT"'),
        act("BESTAND", "schaden-portal", 'SELECT * FROM "SCHADEN" WHERE "SCH_NR" = 5', fails=True),
        act("BESTAND", "schaden-portal", "INSERT INTO \"SCHADEN\" VALUES (9004, 'HR-3', now(), 1)", fails=True),
    ],
    {
        **{name: told for name, told in STANDING.items() if name != "public.SCHADEN"},
        # The claims of that name are not there; they stand, every one of them, under another.
        "public.SCHADEN": {**lost("hidden", 0, None, status="hidden", statuses=["missing"]),
                           "accepts": ("drop", "recreate")},
        "public.SCHADEN_ALT": {**ok(343, accepts=["update", "hidden", "recreate"]), "statuses": ("hidden",)},
    },
    "not_lost",
    roles={"hbrandt": "BESTAND"},
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("public.SCHADEN",)}],
    reported=['"SCHADEN"'],
    commits=[BEGUN],
    later=[act("BESTAND", "bestand-service", 'INSERT INTO "TARIF" SELECT \'N\' || g, 1 FROM generate_series(1, 3) g')],
    settings=SETTINGS,
    # A table of that name is missing, one of another name is there: whether it is the same one, no counter tells.
    views={"stats_csv": {"untellable": {"public.SCHADEN": ("drop", "recreate", "none")}}},
    holdout=True,
)  # fmt: skip

FICTION: dict[str, list[tuple]] = {
    'COPY public."KUNDE" ("KD_NR", "NAME", "PLZ") FROM stdin': [(n, "Max Mustermann", "00000") for n in range(1, 31)],
    'COPY public."POLICE" ("POL_NR", "KD_NR", "SPARTE") FROM stdin': [(f"TEST-{n}", n % 30 + 1, 1) for n in range(60)],
    'COPY public."POLICE_BAUSTEIN" ("ID", "POL_NR", "ART") FROM stdin': [(n, "TEST-1", "Glas") for n in range(1, 121)],
    'COPY public."SCHADEN" ("SCH_NR", "POL_NR", "GEMELDET_AM", "BETRAG") FROM stdin': [
        (n, "TEST-2", "2025-02-02", 1) for n in range(1, 16)
    ],
}


def _integration_over_production(stage: Stage) -> None:
    dropped = [f'DROP TABLE IF EXISTS public."{name}" CASCADE' for name in reversed(CREATE)]
    owned = [f'ALTER TABLE public."{name}" OWNER TO "BESTAND"' for name in CREATE]
    deeds.copied(stage, "postgres", "pg_restore", [*dropped, *CREATE.values(), *owned], FICTION, KEYS)


PUT_BACK = {
    "public.KUNDE": lost("restore", None, 30),
    "public.POLICE": lost("restore", None, 60),
    "public.POLICE_BAUSTEIN": lost("restore", None, 120),
    "public.SCHADEN": lost("restore", None, 15),
}
integration_over_production = Script(
    "integration_over_production",
    "A dump of the integration environment was restored with --clean, and PGHOST still named production",
    "bestand",
    "BESTAND",
    TABLES,
    [
        WRITTEN,
        REPORTED,
        checkpoint,
        _integration_over_production,
        act("BESTAND", "bestand-service", "UPDATE \"TARIF\" SET \"SATZ\" = 0.02 WHERE \"KENNUNG\" = 'T1'"),
        checkpoint,
    ],
    {**STANDING, **PUT_BACK, "public.TARIF": ok(18, accepts=["update"])},
    "restore",
    roots=list(PUT_BACK),
    reported=['"KUNDE"', '"POLICE"'],
    commits=[BEGUN],
    later=[act("BESTAND", "bestand-service", 'INSERT INTO "TARIF" SELECT \'N\' || g, 1 FROM generate_series(1, 3) g')],
    settings=SETTINGS,
    # New objects with rows: who reads neither rows nor statements sees no difference to tables made anew.
    views={
        view: {"untellable": dict.fromkeys(PUT_BACK, ("recreate", "none") if view == "stats_csv" else ("recreate",))}
        for view in BLIND
    },
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        tables_created_at_start, parts_removed_as_orphans, flyway_cleaned_before_migrating, renamed_for_a_moment,
        integration_over_production,
    )
)  # fmt: skip
