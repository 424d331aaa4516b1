"""Timing of races in Latvian, on Go and GORM, log as JSON: a start list that follows the office, two on race day."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

START_LIST = (
    "CREATE TABLE sac.starta_saraksts (numurs int PRIMARY KEY, vards text NOT NULL, grupa text NOT NULL, starts "
    "timestamptz)"
)
RACES = (
    "CREATE TABLE sac.sacensibas (id bigserial PRIMARY KEY, nosaukums text NOT NULL, datums date NOT NULL)",
    'CREATE TABLE sac."dalībnieki" (id bigserial PRIMARY KEY, sacensibas_id bigint NOT NULL REFERENCES sac.sacensibas, '
    "vards text NOT NULL, numurs int NOT NULL, atcelts timestamptz)",
    'CREATE TABLE sac.cipi (kods char(8) PRIMARY KEY, dalibnieks_id bigint NOT NULL REFERENCES sac."dalībnieki" ON '
    "DELETE CASCADE)",
    'CREATE TABLE sac.maksajumi (id bigserial PRIMARY KEY, dalibnieks_id bigint NOT NULL REFERENCES sac."dalībnieki", '
    "centi int NOT NULL, kad timestamptz NOT NULL)",
    "CREATE TABLE sac.nolasijumi (id bigserial PRIMARY KEY, cipa_kods char(8) NOT NULL, punkts text NOT NULL, laiks "
    "timestamptz NOT NULL, derigs boolean NOT NULL DEFAULT true)",
    "CREATE INDEX nolasijumi_punkts ON sac.nolasijumi (punkts, cipa_kods)",
    'CREATE TABLE sac.rezultati (dalibnieks_id bigint NOT NULL REFERENCES sac."dalībnieki" ON DELETE CASCADE, punkts '
    "text NOT NULL, laiks timestamptz NOT NULL, PRIMARY KEY (dalibnieks_id, punkts))",
    START_LIST,
)
TABLES = (
    "CREATE SCHEMA sac",
    *RACES,
    "GRANT USAGE ON SCHEMA sac TO tablo",
    "GRANT SELECT ON ALL TABLES IN SCHEMA sac TO tablo",
)
GO = "laiksd"
POINTS = {"starts": 2400, "5km": 2400, "10km": 2300, "finišs": 2200}


def _recomputed(*points: str) -> tuple:
    """What the board shows is made anew from the chips' times every five seconds, one point of the course each."""
    return tuple(
        act("laiks", GO, f"DELETE FROM sac.rezultati WHERE punkts = '{point}'",
            "INSERT INTO sac.rezultati SELECT c.dalibnieks_id, n.punkts, min(n.laiks) FROM sac.nolasijumi n JOIN "
            f"sac.cipi c ON c.kods = n.cipa_kods WHERE n.punkts = '{point}' AND n.derigs GROUP BY 1, 2", whole=True)
        for point in points
    )  # fmt: skip


REGISTERED = act(
    "laiks",
    GO,
    "INSERT INTO sac.sacensibas (nosaukums, datums) SELECT 'Skrējiens ' || g, date '2026-05-02' + g * 21 FROM "
    "generate_series(1, 10) g",
    "INSERT INTO sac.\"dalībnieki\" (sacensibas_id, vards, numurs) SELECT 10, 'Dalībnieks ' || g, g FROM "
    "generate_series(1, 2400) g",
    "INSERT INTO sac.cipi SELECT lpad(to_hex(g), 8, '0'), g FROM generate_series(1, 2400) g",
    "INSERT INTO sac.maksajumi (dalibnieks_id, centi, kad) SELECT g, 2500, timestamptz '2026-08-01 09:00+03' + g * "
    "interval '47 minutes' FROM generate_series(1, 2390) g",
)
# Mats at the points write while runners cross them, each some hundred rows at a time.
CROSSED = tuple(
    act("laiks", GO, *(
        "INSERT INTO sac.nolasijumi (cipa_kods, punkts, laiks, derigs) SELECT lpad(to_hex(g), 8, '0'), "
        f"'{point}', now() - interval '{120 - 30 * number} minutes' + g * interval '1 second', g % 55 > 0 FROM "
        f"generate_series({first}, {min(first + 599, number_of)}) g"
        for first in range(1, number_of, 600)))
    for number, (point, number_of) in enumerate(POINTS.items())
)  # fmt: skip
RUN = (REGISTERED, *CROSSED[:2], *_recomputed("starts", "5km"), *CROSSED[2:], *_recomputed(*POINTS), *_recomputed(
    "10km", "finišs"))  # fmt: skip
STANDING = {
    "sac.sacensibas": ok(10),
    "sac.dalībnieki": ok(2400),
    "sac.cipi": ok(2400),
    "sac.maksajumi": ok(2390),
    "sac.nolasijumi": ok(9300),
    # Made anew all the time; one in 55 times is not valid.
    "sac.rezultati": ok(2357 + 2357 + 2259 + 2160, accepts=["delete"]),
    "sac.starta_saraksts": ok(0),
}
ROLES = {"inga": "laiks", "tablo": ""}
SETTINGS = {
    "logging_collector": True,
    "log_destination": "jsonlog",
    "log_filename": "laiks.log",
    "log_timezone": "Europe/Riga",
}
LOGS = {"logs": ["log/*.json"]}
DBEAVER = "DBeaver 25.2.2 - SQLEditor <Script-11.sql>"


def _handler(name: str, body: str) -> str:
    return (
        'package api\n\nimport (\n\t"net/http"\n\n\t"laiks/modelis"\n)\n\nfunc (s *Serveris) ' + name + "(w http."
        "ResponseWriter, r *http.Request) {\n" + body + "\tw.WriteHeader(http.StatusNoContent)\n}\n"
    )


def _cleaner(call: str) -> str:
    return _handler("DzesNederigos", f"\tpunkts := r.PathValue(`punkts`)\n\t{call}\n")


FIRST = Commit(16000, "Laika mērīšana", {
    "modelis/modelis.go": "package modelis\n\nimport \"time\"\n\ntype Dalibnieks struct {\n\tID uint\n\tSacensibasID "
    "uint\n\tVards string\n\tNumurs int\n\tAtcelts *time.Time\n}\n\nfunc (Dalibnieks) TableName() string { return "
    "`sac.dalībnieki` }\n\ntype Nolasijums struct {\n\tID uint\n\tCipaKods string\n\tPunkts string\n\tLaiks time.Time\n"
    "\tDerigs bool\n}\n\nfunc (Nolasijums) TableName() string { return `sac.nolasijumi` }\n",
    "tablo/tablo.go": "package tablo\n\nvar punkti = []string{`starts`, `5km`, `10km`, `finišs`}\n\n// reizi piecās "
    "sekundēs\nfunc parrekini(db *gorm.DB, punkts string) error {\n\treturn db.Transaction(func(tx *gorm.DB) error {\n"
    "\t\tif err := tx.Exec(`DELETE FROM sac.rezultati WHERE punkts = ?`, punkts).Error; err != nil {\n\t\t\treturn err"
    "\n\t\t}\n\t\treturn tx.Exec(`INSERT INTO sac.rezultati SELECT c.dalibnieks_id, n.punkts, min(n.laiks) FROM "
    "sac.nolasijumi n\n\t\t\tJOIN sac.cipi c ON c.kods = n.cipa_kods WHERE n.punkts = ? AND n.derigs GROUP BY 1, 2`, "
    "punkts).Error\n\t})\n}\n",
    "cmd/laiksd/main.go": "package main\n\nfunc main() {\n\tdb, err := gorm.Open(postgres.Open(os.Getenv(`DATABASE_URL"
    "`)), &gorm.Config{})\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdb.AutoMigrate(&modelis.Dalibnieks{}, &modelis"
    ".Nolasijums{})\n\tapi.Klausies(db)\n}\n",
    "go.mod": "module laiks\n\ngo 1.24\n\nrequire (\n\tgorm.io/driver/postgres v1.6.0\n\tgorm.io/gorm v1.31.0\n)\n",
}, author="Andris Kalniņš <andris@example.lv>")  # fmt: skip
LATER = act("laiks", GO, "INSERT INTO sac.sacensibas (nosaukums, datums) VALUES ('Ziemas skrējiens', '2027-01-16')")


def _list_of_the_office(stage: Stage) -> None:
    """The office puts a new list in; the sheet's second page, with everybody but the children, breaks the load off."""
    deeds.published(
        stage, "laiks", ("CREATE SCHEMA sac", START_LIST), "FOR ALL TABLES",
        [f"INSERT INTO sac.starta_saraksts SELECT g, 'Dalībnieks ' || g, '{group}', now() + interval '1 day' FROM "
         f"generate_series({first}, {first + 229}) g"
         for first, group in ((1, "Sievietes"), (231, "Vīrieši"), (461, "Seniori"), (691, "Jaunieši"))],
        ["TRUNCATE sac.starta_saraksts",
         "INSERT INTO sac.starta_saraksts SELECT 2000 + g, 'Bērns ' || g, 'Bērni', now() + interval '1 day' FROM "
         "generate_series(1, 140) g"],
        "SELECT count(*) FROM sac.starta_saraksts", (920, 140),
    )  # fmt: skip


BY_OFFICE = {"cause": "replication", "tables": ("sac.starta_saraksts",)}
start_list_follows_the_office = Script(
    "start_list_follows_the_office",
    "The laptop at the finish subscribes to the office's start list; there it is emptied and loaded anew, the load "
    "breaks off after the children, and the TRUNCATE arrives with it",
    "laiks",
    "laiks",
    TABLES,
    [
        *RUN,
        checkpoint,
        act("inga", DBEAVER, "SELECT * FROM sac.starta_saraksts LIMIT 200"),
        _list_of_the_office,
        act("inga", DBEAVER, "DELETE FROM sac.starta_saraksts WHERE vards = ''"),
        act("laiks", GO, "SELECT numurs, vards FROM sac.starta_saraksts WHERE grupa = 'Vīrieši'"),
        act("tablo", "tablo", "DELETE FROM sac.starta_saraksts", fails=True),
        act("inga", DBEAVER, "DELETE FROM sac.\"dalībnieki\" WHERE numurs = 2390", fails=True),
        *_recomputed("finišs"),
        checkpoint,
    ],
    {
        **STANDING,
        # A DELETE that a payment refused is counted all the same.
        "sac.dalībnieki": ok(2400, accepts=["delete"]),
        "sac.cipi": ok(2400, accepts=["cascade_delete"]),
        "sac.rezultati": ok(9133, accepts=["delete", "cascade_delete"]),
        "sac.starta_saraksts": lost("truncate", 920, 140),
    },
    "replication",
    scope=("sac",),
    roles=ROLES,
    roots=["sac.starta_saraksts"],
    causes=[BY_OFFICE],
    reported=["starta_saraksts"],
    commits=[FIRST, Commit(12000, "Birojs un finišs", {"ops/finiss.sql": "-- klēpjdatorā, kā postgres\nCREATE "
        "SUBSCRIPTION central CONNECTION 'service=birojs' PUBLICATION central;\n", "birojs/ielade.sh": "#!/bin/sh\n# "
        "birojā: saraksts no Excel, pa lapām\nset -e\npsql service=birojs -c 'TRUNCATE sac.starta_saraksts'\nfor lapa "
        "in lapas/*.csv; do\n  psql service=birojs -c \"\\copy sac.starta_saraksts FROM '$lapa' CSV HEADER\"\ndone\n"}
    )],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    since=15,
    # That a subscription follows the table stands in the catalogue, and the log tells of its worker.
    views={view: {"untellable": {"sac.starta_saraksts": ("rollback",)} if view == "stats_csv" else {},
                  "causes": ({**BY_OFFICE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

WITHDRAWN = 'UPDATE sac."dalībnieki" SET atcelts = now()'
UNREAD = 'DELETE FROM "sac"."nolasijumi" WHERE "nolasijumi"."punkts" = \'{}\'{}'
BY_INGA = {"cause": "manual_session", "tables": ("sac.dalībnieki",)}
BY_API = {"cause": "application", "tables": ("sac.nolasijumi", "sac.rezultati")}
withdrawn_at_noon_unread_at_three = Script(
    "withdrawn_at_noon_unread_at_three",
    "One runner withdraws, and the line that DBeaver runs has lost its WHERE: all are marked. That afternoon the page "
    "that deletes invalid times of a point deletes the valid too: GORM leaves out a condition that is false",
    "laiks",
    "laiks",
    TABLES,
    [
        *RUN,
        act("laiks", GO, UNREAD.format("10km", ' AND "nolasijumi"."derigs" = false')),
        checkpoint,
        act("inga", DBEAVER, "SELECT * FROM sac.\"dalībnieki\" WHERE numurs = 214", WITHDRAWN),
        act("laiks", GO, "SELECT count(*) FROM sac.\"dalībnieki\" WHERE sacensibas_id = 10 AND atcelts IS NULL"),
        *_recomputed("finišs"),
        checkpoint,
        act("tablo", "tablo", "UPDATE sac.rezultati SET laiks = now()", fails=True),
        act("laiks", GO, UNREAD.format("finišs", "")),
        *_recomputed("finišs", "10km"),
        act("inga", DBEAVER, "SELECT count(*) FROM sac.rezultati WHERE punkts = 'finišs'", "DELETE FROM sac.maksajumi "
            "WHERE centi = 0"),
        act("laiks", GO, "INSERT INTO sac.nolasijumi (cipa_kods, punkts, laiks) VALUES ('00000960', 'finišs', now())"),
        *_recomputed("finišs"),
        checkpoint,
    ],
    {
        **STANDING,
        "sac.dalībnieki": lost("update", 0, 2400, status="hidden"),
        # Forty-one invalid times of the tenth kilometre had been removed as they should.
        "sac.nolasijumi": lost("delete", 2200, 2400 + 2400 + 2259 + 1),
        "sac.rezultati": lost("delete", 2160, 2357 + 2357 + 2259 + 1),
    },
    "application",
    scope=("sac",),
    roles=ROLES,
    roots=["sac.dalībnieki", "sac.nolasijumi"],
    causes=[BY_INGA, BY_API],
    reported=["dalībnieki", "rezultati"],
    commits=[FIRST, Commit(3000, "Nederīgie nolasījumi", {"api/nolasijumi.go": _cleaner(
        "s.db.Where(`punkts = ? AND derigs = ?`, punkts, false).Delete(&modelis.Nolasijums{})")}),
        Commit(40, "Bez SQL tekstā", {"api/nolasijumi.go": _cleaner(
            "s.db.Where(&modelis.Nolasijums{Punkts: punkts, Derigs: false}).Delete(&modelis.Nolasijums{})")}),
        Commit(2900, "Divi gadi", {"cmd/tiri/main.go": "package main\n\n// no crona, svētdienās\nfunc main() {\n\tdb "
            ":= atver()\n\tdb.Exec(`DELETE FROM sac.nolasijumi WHERE laiks < now() - interval '2 years'`)\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    since=15,
    views={view: {"untellable": {"sac.rezultati": ("none", "counters_reset"),
                                 **({"sac.dalībnieki": ("none", "counters_reset"),
                                     "sac.nolasijumi": ("none", "counters_reset")} if view == "crash" else
                                    {"sac.dalībnieki": ("none",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_INGA, "accepts": ("unknown",)}, {**BY_API, "accepts": ("unknown",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (start_list_follows_the_office, withdrawn_at_noon_unread_at_three))
