"""A forest register in Estonian on .NET, Dapper and DbUp: a wrong join, an inventory, an uninstaller, two deletes."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, act, checkpoint, lost, ok

REGISTER = (
    "CREATE TABLE mets.kinnistu (katastritunnus text PRIMARY KEY, omanik text NOT NULL, pindala numeric(7, 2))",
    "CREATE TABLE mets.inventuur (inventuur_id int PRIMARY KEY, aasta int NOT NULL, kinnitatud boolean NOT NULL DEFAULT"
    " false)",
    "CREATE TABLE mets.eraldis (eraldis_id bigserial PRIMARY KEY, inventuur_id int NOT NULL REFERENCES mets.inventuur, "
    "katastritunnus text NOT NULL REFERENCES mets.kinnistu, puuliik char(2) NOT NULL, tagavara int)",
)
FELLING = (
    "CREATE TABLE mets.teatis (teatis_nr text PRIMARY KEY, katastritunnus text NOT NULL REFERENCES mets.kinnistu, "
    "esitatud date NOT NULL, staatus text NOT NULL)",
    "CREATE TABLE mets.raie (raie_id bigserial PRIMARY KEY, teatis_nr text NOT NULL REFERENCES mets.teatis, "
    "katastritunnus text NOT NULL, kuupäev date NOT NULL, maht numeric(8, 2))",
    "CREATE TABLE mets.mõõt (mõõt_id bigserial PRIMARY KEY, masin text NOT NULL, fail text NOT NULL, pikkus int NOT "
    "NULL, läbimõõt int NOT NULL, aeg timestamptz NOT NULL)",
    "CREATE TABLE mets.hind (sortiment text NOT NULL, kehtib_alates date NOT NULL, senti int NOT NULL, PRIMARY KEY "
    "(sortiment, kehtib_alates))",
    "CREATE TABLE mets.sõnum (sõnum_id bigserial PRIMARY KEY, saaja text NOT NULL, sisu text)",
)
MAP = (
    "CREATE SCHEMA gis",
    "CREATE TABLE gis.kiht (kiht_id int PRIMARY KEY, nimi text NOT NULL)",
    "CREATE TABLE gis.paan (kiht_id int NOT NULL REFERENCES gis.kiht, z int, x int, y int, andmed bytea, PRIMARY KEY "
    "(kiht_id, z, x, y))",
)
DITCHES = (
    "CREATE TABLE gis.kraav (kraav_id int PRIMARY KEY, katastritunnus text NOT NULL, meetrid int NOT NULL, rajatud "
    "date)",
    "CREATE TABLE gis.hooldus (kraav_id int NOT NULL REFERENCES gis.kraav, tehtud date NOT NULL, tegija text, PRIMARY "
    "KEY (kraav_id, tehtud))",
)
GRANTS = (
    "GRANT USAGE ON SCHEMA mets, gis TO mets_veeb",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mets, gis TO mets_veeb",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA mets TO mets_veeb",
)
NOTED = "INSERT INTO public.schemaversions (scriptname) VALUES ('Mets.Skriptid.{}.sql')"
TABLES = (
    "CREATE TABLE public.schemaversions (schemaversionsid serial PRIMARY KEY, scriptname varchar(255) NOT NULL, "
    "applied timestamp NOT NULL DEFAULT now())",
    "CREATE SCHEMA mets",
    *REGISTER,
    *FELLING,
    *MAP,
    *DITCHES,
    *GRANTS,
    *(NOTED.format(name) for name in ("0001_Register", "0002_Raie", "0003_Kaart", "0004_Kraavid")),
)
WEB = ""  # Npgsql sends no name of its own
ENTERED = act(
    "mets_veeb",
    WEB,
    "INSERT INTO mets.kinnistu SELECT '78504:' || g, 'Omanik ' || g, 12.5 FROM generate_series(1, 800) g",
    "INSERT INTO mets.inventuur VALUES (1, 2016, true), (2, 2026, true)",
    "INSERT INTO mets.eraldis (inventuur_id, katastritunnus, puuliik, tagavara) SELECT 1, '78504:' || 1 + g % 800, "
    "(ARRAY['KU', 'MA', 'KS'])[1 + g % 3], 180 FROM generate_series(1, 1800) g",
    "INSERT INTO mets.eraldis (inventuur_id, katastritunnus, puuliik, tagavara) SELECT 2, '78504:' || 1 + g % 800, "
    "(ARRAY['KU', 'MA', 'KS'])[1 + g % 3], 205 FROM generate_series(1, 2400) g",
    "INSERT INTO mets.teatis SELECT 'T' || g, '78504:' || 1 + g % 800, date '2024-01-02' + g / 3, CASE WHEN g % 30 = 0 "
    "THEN 'tühistatud' ELSE 'lubatud' END FROM generate_series(1, 2400) g",
    "INSERT INTO mets.raie (teatis_nr, katastritunnus, kuupäev, maht) SELECT 'T' || 1 + g % 2400, '78504:' || 1 + (1 + "
    "g % 2400) % 800, date '2024-02-01' + g / 6, 40 FROM generate_series(1, 4800) g",
    "INSERT INTO mets.mõõt (masin, fail, pikkus, läbimõõt, aeg) SELECT 'H' || 1 + g % 8, 'h' || 1 + g % 8 || '-' || "
    "g / 500 || '.hpr', 480, 180 + g % 90, timestamptz '2026-09-01 06:00+00' + g * interval '9 minutes' FROM "
    "generate_series(1, 12000) g",
    "INSERT INTO mets.hind SELECT (ARRAY['KU-palk', 'KU-paber', 'KS-pakk', 'KS-paber', 'MA-palk', 'MA-paber'])[1 + g % "
    "6], (date '2023-08-01' + g / 6 * interval '1 month')::date, 7000 + g FROM generate_series(0, 239) g",
    "INSERT INTO gis.kiht SELECT g, 'Kiht ' || g FROM generate_series(1, 7) g",
    "INSERT INTO gis.paan SELECT 1 + g % 7, 12, g, g % 90, 'x' FROM generate_series(1, 3500) g",
    "INSERT INTO gis.kraav SELECT g, '78504:' || 1 + g % 800, 250, date '1974-05-01' + g FROM generate_series(1, 640) "
    "g",
    "INSERT INTO gis.hooldus SELECT 1 + g % 640, date '2015-06-01' + g / 640 * 365, 'MTÜ' FROM generate_series(0, "
    "1919) g",
)
MAILED = (
    act("mets_veeb", WEB, "INSERT INTO mets.sõnum (saaja, sisu) SELECT g || '@näide.ee', 'Teatis on lubatud' FROM "
        "generate_series(1, 90) g"),
    act("mets_too", "", "DELETE FROM mets.sõnum WHERE sõnum_id = ANY (ARRAY(SELECT sõnum_id FROM mets.sõnum ORDER BY "
        "sõnum_id LIMIT 200))"),
)  # fmt: skip
FELLED = act("mets_veeb", WEB, "INSERT INTO mets.mõõt (masin, fail, pikkus, läbimõõt, aeg) SELECT 'H5', 'h5-24.hpr', "
             "430, 200, '2026-11-26 09:00+00' FROM generate_series(1, 60) g",
             "UPDATE mets.teatis SET staatus = 'teostatud' WHERE teatis_nr IN ('T7', 'T8', 'T11')")  # fmt: skip
STANDING = {
    "public.schemaversions": ok(4),
    "mets.kinnistu": ok(800),
    "mets.inventuur": ok(2),
    "mets.eraldis": ok(4200),
    "mets.teatis": ok(2400, accepts=["update"]),
    "mets.raie": ok(4800),
    "mets.mõõt": ok(12060),
    "mets.hind": ok(240),
    "mets.sõnum": ok(0, "delete", accepts=["none"]),
    "gis.kiht": ok(7),
    "gis.paan": ok(3500),
    "gis.kraav": ok(640),
    "gis.hooldus": ok(1920),
}
SCOPE = ("mets", "gis", "public")
QUEUE = {"mets.sõnum": ("none", "rollback")}
ROLES = {"mets_veeb": "", "mets_too": "mets", "ltamm": "mets", "vaatleja": ""}
SETTINGS = {
    "logging_collector": True,
    "log_destination": "csvlog",
    "log_filename": "mets.log",
    "log_timezone": "Europe/Tallinn",
}
LOGS = {"logs": ["log/*.csv"]}


def _file(statements: tuple[str, ...]) -> str:
    return ";\n".join(statements) + ";\n"


FIRST = Commit(22000, "Metsaregister", {
    "Mets/Skriptid/0001_Register.sql": _file(("CREATE SCHEMA mets", *REGISTER)),
    "Mets/Skriptid/0002_Raie.sql": _file(FELLING),
    "Mets/Skriptid/0003_Kaart.sql": "-- kihid ja paanid kirjutab kaardiserver\n" + _file(MAP),
    "Mets/Skriptid/0004_Kraavid.sql": "-- kraavid kaardi juurde, siis on nad ka kihina näha\n" + _file(DITCHES),
    "Mets/Program.cs": "var upgrader = DeployChanges.To.PostgresqlDatabase(builder.Configuration.GetConnectionString("
    "\"Haldus\"))\n    .WithScriptsEmbeddedInAssembly(typeof(Program).Assembly)\n    .WithTransactionPerScript()\n    "
    ".LogToConsole().Build();\nif (!upgrader.PerformUpgrade().Successful) return 1;\n",
    "Mets/Tood/SaadaSonumid.cs": "// Quartz: iga minut\npublic class SaadaSonumid(NpgsqlDataSource db, IPost post) "
    ": IJob"
    "\n{\n    const string Vota = \"\"\"\n        DELETE FROM mets.sõnum WHERE sõnum_id = ANY (ARRAY(SELECT sõnum_id "
    "FROM mets.sõnum ORDER BY sõnum_id LIMIT 200)) RETURNING saaja, sisu\n        \"\"\";\n}\n",
})  # fmt: skip
COLUMN = "ALTER TABLE mets.kinnistu ADD COLUMN telefon text"
MIGRATED = act("mets", "", COLUMN, NOTED.format("0005_Telefon"), whole=True)
PHONE = Commit(30, "Omaniku telefon", {"Mets/Skriptid/0005_Telefon.sql": _file((COLUMN,))})
LATER = act("mets_veeb", WEB, "INSERT INTO mets.teatis VALUES ('T9001', '78504:4', '2026-11-27', 'esitatud')")

JOINED = (
    "DELETE FROM mets.raie r USING mets.teatis t WHERE t.staatus = 'tühistatud' AND r.katastritunnus = "
    "t.katastritunnus",
    "UPDATE mets.teatis SET staatus = 'arhiivis' WHERE staatus = 'tühistatud'",
)
BY_SCRIPT = {"cause": "migration", "tables": ("mets.raie",)}
fellings_joined_by_property = Script(
    "fellings_joined_by_property",
    "A script deletes the fellings of revoked notices and joins by the property: those of its other notices go as well",
    "metsaregister",
    "mets",
    TABLES,
    [
        ENTERED,
        *MAILED,
        FELLED,
        checkpoint,
        MIGRATED,
        act("mets_too", "", "DELETE FROM mets.raie WHERE kuupäev < '2016-11-26'"),
        act("ltamm", "DBeaver 25.2.4 - SQLEditor <Script-3.sql>", "DELETE FROM mets.raie WHERE teatis = 'T30'",
            fails=True),
        act("mets", "", *JOINED, NOTED.format("0006_TyhistatudRaied"), whole=True),
        act("mets_veeb", WEB, "SELECT count(*) FROM mets.raie WHERE katastritunnus = '78504:31'"),
        act("mets_veeb", WEB, "INSERT INTO mets.raie (teatis_nr, katastritunnus, kuupäev) VALUES ('T12', '78504:13', "
            "'2026-11-26')"),
        act("vaatleja", "QGIS 3.40", "SELECT count(*) FROM mets.raie", fails=True),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schemaversions": ok(6),
        # Every 30th of 2400 notices, eighty properties; each has three notices with two fellings.
        "mets.raie": lost("delete", 480, 4321),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    app_role="mets_veeb",
    roots=["mets.raie"],
    causes=[BY_SCRIPT],
    reported=["mets.raie"],
    commits=[FIRST, PHONE, Commit(9000, "Raied kustuvad kümne aasta pärast", {"Mets/Tood/VanadRaied.cs": "// Quartz: "
        "iga öö 02:20\npublic class VanadRaied(NpgsqlDataSource db) : IJob\n{\n    public Task Execute(IJobExecution"
        "Context _) => db.ExecuteAsync(\"DELETE FROM mets.raie WHERE kuupäev < @Enne\", new { Enne = DateTime.Today."
        "AddYears(-10) });\n}\n"}),
        Commit(4, "Tühistatud teatistel ei ole raieid", {"Mets/Skriptid/0006_TyhistatudRaied.sql": _file(JOINED)})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    # The script stands in the repository and in the book of scripts, the job's DELETE beside it.
    views={view: {"untellable": {**QUEUE, **({"mets.raie": ("none", "counters_reset")} if view == "crash" else {})},
                  "causes": ({**BY_SCRIPT, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

LATEST = (
    "ALTER TABLE mets.eraldis ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY kehtiv_inventuur ON mets.eraldis FOR SELECT TO mets_veeb USING (inventuur_id = (SELECT "
    "max(inventuur_id) FROM mets.inventuur WHERE kinnitatud))",
    "CREATE POLICY lisamine ON mets.eraldis FOR INSERT TO mets_veeb WITH CHECK (true)",
)
UNSEEN = {"cause": "not_lost", "accepts": ("application",), "tables": ("mets.eraldis",)}
inventory_confirmed_without_stands = Script(
    "inventory_confirmed_without_stands",
    "A policy of long ago shows the stands of the newest confirmed inventory; a clerk confirms next year's, which has "
    "none yet",
    "metsaregister",
    "mets",
    (*TABLES, *LATEST, NOTED.format("0005_KehtivInventuur")),
    [
        ENTERED,
        *MAILED,
        FELLED,
        checkpoint,
        act("mets_veeb", WEB, "SELECT count(*) FROM mets.eraldis WHERE katastritunnus = '78504:9'"),
        act("mets", "", "ALTER TABLE mets.teatis ADD COLUMN märkus text", NOTED.format("0006_Markus"), whole=True),
        act("mets_veeb", WEB, "INSERT INTO mets.inventuur (inventuur_id, aasta) VALUES (3, 2027)"),
        act("mets_veeb", WEB, "UPDATE mets.inventuur SET kinnitatud = true WHERE inventuur_id = 3"),
        act("mets_veeb", WEB, "SELECT count(*) FROM mets.eraldis WHERE katastritunnus = '78504:9'"),
        act("ltamm", "psql", "DELETE FROM mets.eraldis WHERE inventuur = 1", fails=True),
        act("vaatleja", "QGIS 3.40", "SELECT * FROM mets.eraldis", fails=True),
        act("postgres", "psql", "VACUUM FULL mets.raie"),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schemaversions": ok(6),
        "mets.inventuur": ok(3, accepts=["update"]),
        "mets.eraldis": lost("hidden", 0, 4200, status="hidden"),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    app_role="mets_veeb",
    causes=[UNSEEN],
    reported=["mets.eraldis"],
    commits=[FIRST, Commit(6500, "Veeb näeb kehtivat inventuuri", {"Mets/Skriptid/0005_KehtivInventuur.sql": _file(
        LATEST)}), Commit(5, "Teatise märkus", {"Mets/Skriptid/0006_Markus.sql": "ALTER TABLE mets.teatis ADD COLUMN "
        "märkus text;\n"}), Commit(2000, "Inventuuri kinnitamine", {"Mets/Lehed/Inventuur.cshtml.cs": "public class "
        "InventuurModel(NpgsqlDataSource db) : PageModel\n{\n    public Task OnPostKinnita(int id) => db.ExecuteAsync("
        "\"UPDATE mets.inventuur SET kinnitatud = true WHERE inventuur_id = @id\", new { id });\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    views={view: {"untellable": {**QUEUE, **({"mets.eraldis": ("none",)} if view == "stats_csv" else {})}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

REMOVE = """CREATE FUNCTION public.kaardiserver_eemalda() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'DROP SCHEMA IF EXISTS gis CASCADE';
END $$"""
UNUSED = "DROP VIEW mets.v_kraavid"
WITH_MAP = ("gis.kiht", "gis.paan", "gis.kraav", "gis.hooldus")
BY_ADMIN = {"cause": "manual_session", "tables": WITH_MAP}
uninstalled_with_its_schema = Script(
    "uninstalled_with_its_schema",
    "An administrator removes the map server by its own function, which drops its schema: our ditches had been put "
    "in it",
    "metsaregister",
    "mets",
    (*TABLES, REMOVE, "CREATE VIEW mets.v_kraavid AS SELECT katastritunnus, sum(meetrid) AS meetrid FROM gis.kraav "
        "GROUP BY 1"),
    [
        ENTERED,
        *MAILED,
        FELLED,
        checkpoint,
        MIGRATED,
        act("mets_veeb", WEB, "SELECT sum(meetrid) FROM gis.kraav"),
        # The same evening a release gives up a view of the ditches, which nobody reads any more.
        act("mets", "", UNUSED, NOTED.format("0006_KraavideVaade"), whole=True),
        checkpoint,
        act("postgres", "psql", "SELECT public.kaardiserver_eemalda()", "DROP FUNCTION public.kaardiserver_eemalda()"),
        act("mets_veeb", WEB, "SELECT sum(meetrid) FROM gis.kraav WHERE katastritunnus = '78504:40'", fails=True),
        act("mets_veeb", WEB, "INSERT INTO gis.hooldus VALUES (40, '2026-11-26', 'MTÜ')", fails=True),
        act("ltamm", "psql", "SELECT count(*) FROM gis.kraav", fails=True),
        act("mets_too", "", "DELETE FROM mets.raie WHERE kuupäev < '2016-11-26'"),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schemaversions": ok(6),
        **{name: lost("drop", None, None, status="missing") for name in WITH_MAP},
    },
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    app_role="mets_veeb",
    roots=list(WITH_MAP),
    causes=[BY_ADMIN],
    reported=["gis.kraav", "gis.hooldus"],
    commits=[FIRST, PHONE, Commit(700, "Kaart tuleb Maa-ametist", {"docs/kaardiserver.md": "# Kaardiserver\n\nAlates "
        "detsembrist tuleb kaart Maa-ameti teenusest. Vana kaardiserver eemaldatakse siis koos oma tabelitega (`SELECT "
        "kaardiserver_eemalda();`, IT teeb).\n", "paigaldus/kaardiserver.sql": f"-- tootja fail, versioon "
        f"4.2\n{REMOVE};"
        "\n"}), Commit(5, "Kraavide vaadet ei loe keegi", {"Mets/Skriptid/0006_KraavideVaade.sql": f"{UNUSED};\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    case=LOGS,
    # A function's DROP is not in a log of DDL, which shows the release's DROP VIEW and that of the function itself.
    views={view: {"untellable": QUEUE,
                  **({"tables": dict.fromkeys(WITH_MAP)} if view == "stats_csv" else {}),
                  "causes": ({**BY_ADMIN, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

RESENT = "DELETE FROM mets.mõõt WHERE masin = 'H4'"
ALIKE = "DELETE FROM mets.hind WHERE sortiment LIKE 'K%'"
BY_UPLOAD = {"cause": "application", "tables": ("mets.mõõt",)}
BY_HAND = {"cause": "manual_session", "tables": ("mets.hind",)}
UPLOAD = (
    'public class Fail(NpgsqlDataSource db) : ControllerBase\n{{\n    [HttpPut("/masin/{{masin}}/fail/{{fail}}")]\n    '
    "public async Task Put(string masin, string fail, Hpr hpr)\n    {{\n        await using var tx = await db.Begin();"
    '\n        // fail võib tulla kaks korda\n        await tx.ExecuteAsync("DELETE FROM mets.mõõt WHERE {}", new {{ '
    "masin, fail }});\n        await tx.InsertAsync(hpr.Tüved(masin, fail));\n        await tx.CommitAsync();\n    "
    "}}\n}}\n"
)
stems_of_a_machine_and_prices_of_birch = Script(
    "stems_of_a_machine_and_prices_of_birch",
    "A release takes a file sent twice for the whole machine's; the same evening prices of spruce are deleted by hand, "
    "and birch begins with a K too",
    "metsaregister",
    "mets",
    TABLES,
    [
        ENTERED,
        *MAILED,
        FELLED,
        checkpoint,
        MIGRATED,
        act("mets_veeb", WEB, RESENT, "INSERT INTO mets.mõõt (masin, fail, pikkus, läbimõõt, aeg) SELECT 'H4', "
            "'h4-24.hpr', 460, 210, '2026-11-26 12:00+00' FROM generate_series(1, 85) g", whole=True),
        *MAILED,
        checkpoint,
        act("ltamm", "psql", "SELECT count(*) FROM mets.hind WHERE sortiment LIKE 'KU%'", ALIKE,
            "INSERT INTO mets.hind VALUES ('KU-palk', '2026-12-01', 9100), ('KU-paber', '2026-12-01', 5200)"),
        act("mets_veeb", WEB, "SELECT senti FROM mets.hind WHERE sortiment = 'KS-pakk' ORDER BY kehtib_alates DESC "
            "LIMIT 1"),
        act("ltamm", "psql", "DELETE FROM mets.hinnad WHERE kehtib_alates < '2024-01-01'", fails=True),
        act("vaatleja", "QGIS 3.40", "DELETE FROM mets.mõõt", fails=True),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schemaversions": ok(5),
        # An eighth of 12000 stems, and four of six assortments in forty months.
        "mets.mõõt": lost("delete", 1500, 10645),
        "mets.hind": lost("delete", 160, 82),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    app_role="mets_veeb",
    roots=["mets.mõõt", "mets.hind"],
    causes=[BY_UPLOAD, BY_HAND],
    reported=["mets.mõõt", "mets.hind"],
    commits=[FIRST, PHONE, Commit(5000, "Harvesteri failid", {"Mets/Api/Fail.cs": UPLOAD.format(
        "masin = @masin AND fail = @fail")}), Commit(26, "Failinimi võib muutuda", {"Mets/Api/Fail.cs": UPLOAD.format(
        "masin = @masin")})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    # The upload's statement stands in the repository, the person's nowhere.
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(("mets.mõõt", "mets.hind"), ("none", "counters_reset"))
                                             if view == "crash" else {})},
                  "causes": ({**BY_UPLOAD, "accepts": ("unknown",)}, {**BY_HAND, "accepts": ("unknown",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        fellings_joined_by_property, inventory_confirmed_without_stands, uninstalled_with_its_schema,
        stems_of_a_machine_and_prices_of_birch,
    )
)  # fmt: skip
