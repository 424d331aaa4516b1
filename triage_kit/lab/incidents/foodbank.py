"""A food bank in plain PHP, psql and make, one login for all: noughts of a sheet, a season, fixtures, an old view."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, Step, act, checkpoint, lost, ok

STORES = (
    "create table fb.agy (agy_no int primary key, nm text not null, mail text, closed bool not null default false)",
    "create table fb.item (code char(5) primary key, descr text not null, kg numeric(6,2))",
    "create table fb.lot (lot_no text primary key, code char(5) not null references fb.item, best_before date, qty int "
    "not null)",
    "create table fb.lot_in (lot_no text, code text, best_before text, qty text)",
)
GIFTS = (
    "create table fb.don (don_no serial primary key, giver text not null, dt date not null)",
    "create table fb.don_lin (don_no int not null references fb.don on delete cascade, lin int not null, code char(5) "
    "not null references fb.item, qty int, primary key (don_no, lin))",
)
SHARES = (
    "create table fb.alloc (alloc_no serial primary key, season int not null, agy_no int not null references fb.agy, "
    "dt date not null)",
    "create table fb.alloc_lin (alloc_no int not null references fb.alloc on delete cascade, lin int not null, code "
    "char(5) not null references fb.item, qty int, primary key (alloc_no, lin))",
    "create table fb.season_sum (season int primary key, allocs bigint not null, closed_at timestamptz not null default"
    " now())",
    "create table fb.mailq (id bigserial primary key, rcpt text not null, body text)",
)
CLOSE = """create function fb.close_season(y int) returns bigint language plpgsql as $$
declare n bigint;
begin
  insert into fb.season_sum (season, allocs) select season, count(*) from fb.alloc where season <= y group by 1
    on conflict do nothing;
  delete from fb.alloc where season <= y;
  get diagnostics n = row_count;
  return n;
end $$"""
CHANGE = "insert into fb.chg (n, what) values ({}, '{}')"
TABLES = (
    "create schema fb",
    "create table fb.chg (n int primary key, what text not null, at timestamptz not null default now())",
    *STORES,
    *GIFTS,
    *SHARES,
    CLOSE,
    CHANGE.format(1, "stores"),
    CHANGE.format(2, "gifts"),
    CHANGE.format(3, "shares"),
)
PHP = ""  # PDO sets no name, and cron, make and people all use psql
OPENED = act(
    "fb",
    PHP,
    "insert into fb.agy select g, 'Agency ' || g, 'a' || g || '@example.org' from generate_series(1, 140) g",
    "insert into fb.item select lpad((g * 23)::text, 5, '0'), 'Item ' || g, 0.5 from generate_series(1, 600) g",
    "insert into fb.don (giver, dt) select 'Giver ' || g % 90, date '2025-04-20' + g / 4 from generate_series(1, 2200) "
    "g",
    "insert into fb.don_lin select 1 + g / 3, g % 3, lpad(((1 + g % 600) * 23)::text, 5, '0'), 24 from "
    "generate_series(0, 6599) g",
    "insert into fb.alloc (season, agy_no, dt) select 2025 + g % 2, 1 + g % 140, date '2024-10-01' + 365 * (g % 2) "
    "+ g / 10 from generate_series(1, 3000) g",
    "insert into fb.alloc_lin select 1 + g / 3, g % 3, lpad(((1 + g % 600) * 23)::text, 5, '0'), 6 from "
    "generate_series(0, 8999) g",
)
STATS = act("postgres", "psql", "create extension pg_stat_statements")
POSTED = (
    act("fb", PHP, "insert into fb.mailq (rcpt, body) select 'a' || g || '@example.org', 'Collect on Friday' from "
        "generate_series(1, 110) g"),
    act("fb", PHP, *[f"delete from fb.mailq where id % 4 = {part}" for part in range(4)]),
)  # fmt: skip
DELIVERED = act("fb", PHP, "insert into fb.don (giver, dt) values ('Bakery', '2026-11-26'), ('Dairy', '2026-11-26')",
                "insert into fb.don_lin values (2201, 0, '00023', 40), (2202, 0, '00046', 12)")  # fmt: skip
REPLACED = (
    "delete from fb.lot",
    "insert into fb.lot select l.lot_no, i.code, l.best_before::date, l.qty::int from fb.lot_in l join fb.item i on "
    "i.code = l.code",
)


def _warehouse(noughts: bool = True) -> Step:
    """The nightly list of the warehouse: read into lot_in by \\copy, then lots are written anew in one transaction."""
    width = 5 if noughts else 0
    file = {"COPY fb.lot_in (lot_no, code, best_before, qty) FROM stdin": [
        (f"L{n}", str((1 + n % 600) * 23).zfill(width), "2027-03-01", "48") for n in range(1, 1801)]}  # fmt: skip

    def step(stage: Stage) -> None:
        deeds.copied(stage, "fb", "psql", ["truncate fb.lot_in"], file)
        act("fb", "psql", *REPLACED, whole=True)(stage)

    return step


STANDING = {
    "fb.chg": ok(3),
    "fb.agy": ok(140),
    "fb.item": ok(600),
    # Deleted and written anew every night, in one transaction.
    "fb.lot": ok(1800, accepts=["delete", "restore"]),
    "fb.lot_in": ok(1800, "truncate", accepts=["none", "restore"]),
    "fb.don": ok(2202),
    "fb.don_lin": ok(6602),
    "fb.alloc": ok(3000),
    "fb.alloc_lin": ok(9000),
    "fb.season_sum": ok(0),
    "fb.mailq": ok(0, "delete", accepts=["none"]),
}
SCOPE = ("fb",)
DAILY = {"fb.mailq": ("none", "rollback"), "fb.lot_in": ("none", "restore"), "fb.lot": ("none", "delete", "restore")}
ROLES = {"auditor": ""}
SETTINGS = {
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "America/Halifax",
    "shared_preload_libraries": "pg_stat_statements",
}
# pg_stat_statements tells what ran, not who typed it; a crash or the counters alone do not even tell that.
DEAF = ("crash", "stats_csv")


def _sql(*statements: str) -> str:
    return "begin;\n" + ";\n".join(statements) + ";\ncommit;\n"


IMPORT = (
    "#!/bin/sh\n# nightly, see etc/crontab: the warehouse sends lots.csv at 2 am\nset -e\ncd /srv/fb\n[ -f incoming/"
    "lots.csv ] || exit 0\npsql -q -v ON_ERROR_STOP=1 fb <<SQL\ntruncate fb.lot_in;\n\\copy fb.lot_in (lot_no, code, "
    "best_before, qty) from 'incoming/lots.csv' csv header\nbegin;\n" + ";\n".join(REPLACED) + ";\ncommit;\nSQL\nmv "
    "incoming/lots.csv done/lots-$(date +%F).csv\n"
)
CRONTAB = (
    "PGUSER=fb\n*/5 * * * * php /srv/fb/bin/mail.php\n30 2 * * * /srv/fb/bin/import_lots.sh\n10 3 1 7 * psql -q fb -c "
    "'select fb.close_season(extract(year from now())::int - 1)'\n"
)
FIRST = Commit(30000, "Food bank", {
    "db/change/001_stores.sql": _sql("create schema fb", *STORES, CHANGE.format(1, "stores")),
    "db/change/002_gifts.sql": _sql(*GIFTS, CHANGE.format(2, "gifts")),
    "db/change/003_shares.sql": _sql(*SHARES, CLOSE, CHANGE.format(3, "shares")),
    "bin/import_lots.sh": IMPORT,
    "bin/mail.php": "<?php\nrequire __DIR__ . '/../lib/db.php';\n// in four parts, so that two runs share the work\n"
    "foreach (range(0, 3) as $part) {\n    $q = db()->prepare('delete from fb.mailq where id % 4 = ? returning rcpt, "
    "body');\n    $q->execute([$part]);\n    foreach ($q as [$rcpt, $body]) mail($rcpt, 'Food bank', $body);\n}\n",
    "etc/crontab": CRONTAB,
    "Makefile": "change:\n\tfor f in db/change/*.sql; do bin/once $$f; done\n",
    "lib/db.php": "<?php\nfunction db(): PDO\n{\n    static $db;\n    return $db ??= new PDO(getenv('FB_DSN'), "
    "'fb');\n}\n",
})  # fmt: skip
COLUMN = "alter table fb.agy add column phone text"
CHANGED = act("fb", "psql", COLUMN, CHANGE.format(4, "phones"), whole=True)
PHONES = Commit(6, "Phones of agencies", {"db/change/004_phones.sql": _sql(COLUMN, CHANGE.format(4, "phones"))})
LATER = act("fb", PHP, "insert into fb.don (giver, dt) values ('Farm', '2026-11-27')")

BY_IMPORT = {"cause": "scheduled_job", "tables": ("fb.lot",)}
codes_that_lost_their_noughts = Script(
    "codes_that_lost_their_noughts",
    "The warehouse's list went through a spreadsheet, and codes lost their leading noughts: the nightly import deletes "
    "all lots and finds few again",
    "fb",
    "fb",
    TABLES,
    [
        STATS,
        OPENED,
        _warehouse(),
        *POSTED,
        _warehouse(),
        DELIVERED,
        checkpoint,
        CHANGED,
        _warehouse(noughts=False),
        *POSTED,
        act("fb", PHP, "select count(*) from fb.lot where code = '00023'"),
        act("fb", "psql", "delete from fb.lots where best_before < '2026-11-01'", fails=True),
        act("fb", "psql", "select count(*) from fb.lot", "select * from fb.lot_in limit 5"),
        act("auditor", "psql", "delete from fb.lot", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "fb.chg": ok(4),
        # Items 435 to 600 have five digits of their own; three lots each.
        "fb.lot": lost("delete", 1302, 498, accepts=["restore"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["fb.lot"],
    causes=[BY_IMPORT],
    reported=["fb.lot"],
    commits=[FIRST, PHONES],
    later=[LATER],
    settings=SETTINGS,
    # The job and somebody who runs its script by hand are the same login and the same psql.
    views={view: {"untellable": {**DAILY, "fb.lot": ("none", "rollback", "counters_reset") if view in DEAF else ()},
                  "causes": ({**BY_IMPORT, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

ENDED = ("fb.alloc", "fb.alloc_lin")
BY_CALL = {"cause": "manual_session", "tables": ENDED}
season_closed_by_somebody = Script(
    "season_closed_by_somebody",
    "The last season, which the funder still audits, is closed in November: a page, a line of cron and a runbook call "
    "the same function as the same login",
    "fb",
    "fb",
    TABLES,
    [
        STATS,
        OPENED,
        _warehouse(),
        *POSTED,
        DELIVERED,
        checkpoint,
        act("fb", PHP, "select season, count(*) from fb.alloc group by 1"),
        CHANGED,
        act("fb", "psql", "select fb.close_season(2025)"),
        act("fb", PHP, "insert into fb.alloc (season, agy_no, dt) values (2026, 14, '2026-11-26')",
            "insert into fb.alloc_lin values (3001, 0, '00023', 6)"),
        *POSTED,
        _warehouse(),
        act("fb", PHP, "insert into fb.alloc_lin values (2, 3, '00046', 2)", fails=True),
        act("fb", "psql", "select fb.reopen_season(2025)", fails=True),
        act("auditor", "psql", "select count(*) from fb.alloc where season = 2025", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "fb.chg": ok(4),
        # Every other allocation, three lines each.
        "fb.alloc": lost("delete", 1500, 1501),
        "fb.alloc_lin": lost("cascade_delete", 4500, 4501, via=["fb.alloc"]),
        "fb.season_sum": ok(1),
    },
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    roots=["fb.alloc"],
    causes=[BY_CALL],
    reported=["fb.alloc"],
    commits=[FIRST, PHONES, Commit(3000, "Close a season from the page", {"web/season.php": "<?php\nrequire "
        "'../lib/db.php';\nneed_role('manager');\n$q = db()->prepare('select fb.close_season(?)');\n$q->execute([$_POST"
        "['season']]);\nheader('Location: /seasons');\n", "docs/runbook.md": "# Seasons\n\nA season ends on 30 June. "
        "Cron closes the one before it on 1 July. If it did not: `psql fb -c 'select fb.close_season(2024)'`. The "
        "funder wants the last one for two years.\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {**DAILY, **({"fb.alloc": ("none", "counters_reset"), "fb.alloc_lin":
                                              ("none", "counters_reset", "delete")} if view == "crash"
                                             else {"fb.alloc_lin": ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_CALL, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

FIXTURES = (
    "delete from fb.alloc",
    "delete from fb.don",
    "delete from fb.agy",
    "insert into fb.agy (agy_no, nm) values (1, 'Agency One'), (2, 'Agency Two')",
    "insert into fb.don (don_no, giver, dt) values (1, 'Giver One', '2020-01-01') on conflict do nothing",
    "insert into fb.alloc (alloc_no, season, agy_no, dt) values (1, 2020, 1, '2020-01-05')",
)
CHECKED = (
    "do $$ begin if (select count(*) from fb.don) <> 1 then raise exception 'not ok 1 - one gift'; end if; end $$",
    "do $$ begin if (select count(*) from fb.lot) <> 0 then raise exception 'not ok 2 - no lot yet'; end if; end $$",
)
SWEPT = ("fb.alloc", "fb.alloc_lin", "fb.don", "fb.don_lin", "fb.agy")
BY_TESTS = {"cause": "test_run", "tables": SWEPT}
fixtures_where_the_shell_pointed = Script(
    "fixtures_where_the_shell_pointed",
    "make test fills its fixtures in through psql, in a shell that still has production's PGHOST: it deletes three "
    "tables before; the second check fails",
    "fb",
    "fb",
    TABLES,
    [
        STATS,
        OPENED,
        _warehouse(),
        *POSTED,
        DELIVERED,
        checkpoint,
        act("fb", "psql", "select version()", "select count(*) from fb.agy"),
        CHANGED,
        act("fb", "psql", *FIXTURES),
        act("fb", "psql", *CHECKED, fails=True),
        act("fb", PHP, "insert into fb.alloc (season, agy_no, dt) values (2026, 77, '2026-11-26')", fails=True),
        act("fb", "psql", "select count(*) from fb.alloc"),
        *POSTED,
        act("auditor", "psql", "truncate fb.don", fails=True),
        act("fb", PHP, "insert into fb.don (giver, dt) values ('Bakery', '2026-11-26')"),
        checkpoint,
    ],
    {
        **STANDING,
        "fb.chg": ok(4),
        "fb.agy": lost("delete", 140, 2),
        "fb.don": lost("delete", 2202, 2),
        "fb.don_lin": lost("cascade_delete", 6602, via=["fb.don"]),
        "fb.alloc": lost("delete", 3000, 1),
        "fb.alloc_lin": lost("cascade_delete", 9000, via=["fb.alloc"]),
    },
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    roots=["fb.alloc", "fb.don", "fb.agy"],
    causes=[BY_TESTS],
    reported=["fb.agy", "fb.alloc"],
    commits=[FIRST, PHONES, Commit(2500, "Tests", {"Makefile": "change:\n\tfor f in db/change/*.sql; do bin/once $$f; "
        "done\ntest:\n\tpsql -q -v ON_ERROR_STOP=1 -f t/fixtures.sql fb\n\tpsql -q -v ON_ERROR_STOP=1 -f "
        "t/010_gifts.sql "
        "fb\n", "t/fixtures.sql": ";\n".join(FIXTURES) + ";\n", "t/010_gifts.sql": ";\n".join(CHECKED) + ";\n",
        "t/README": "createdb fb && make change test\n"})],
    later=[act("fb", PHP, "insert into fb.don (giver, dt) values ('Farm', '2026-11-27')")],
    settings=SETTINGS,
    # A failed check is in the log; who changes the schema and who types are the same login and the same psql.
    views={view: {"untellable": {**DAILY, **(dict.fromkeys(SWEPT, ("none", "counters_reset", "delete", "rollback"))
                                             if view == "crash" else {"fb.don_lin": ("delete",), "fb.alloc_lin":
                                             ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_TESTS, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

REPORT = (
    "create materialized view fb.rep_month as select date_trunc('month', d.dt)::date as month, count(*) as gifts, "
    "sum(l.qty) as pieces from fb.don d join fb.don_lin l using (don_no) group by 1"
)
REFRESH = "refresh materialized view fb.rep_month"
month_report_that_stood_still = Script(
    "month_report_that_stood_still",
    "False alarm: the monthly report shows no gift of November: its view belongs to the administrator now, and cron may"
    " not refresh it",
    "fb",
    "fb",
    (*TABLES, REPORT, CHANGE.format(4, "report")),
    [
        STATS,
        OPENED,
        _warehouse(),
        *POSTED,
        act("fb", "psql", REFRESH),
        checkpoint,
        act("postgres", "psql", "alter materialized view fb.rep_month owner to postgres",
            "grant select on fb.rep_month to fb, auditor"),
        DELIVERED,
        act("fb", "psql", REFRESH, fails=True),
        act("fb", PHP, "select gifts from fb.rep_month where month = '2026-11-01'"),
        act("fb", "psql", "delete from fb.don where dt > '2026-10-31' and giver = ''"),
        act("fb", "psql", "begin", "delete from fb.don_lin where qty is null", "delete from fb.don where dt < "
            "'2025-06-01'",
            "rollback"),
        act("fb", "psql", COLUMN, CHANGE.format(5, "phones"), whole=True),
        act("fb", "psql", REFRESH, fails=True),
        _warehouse(),
        act("auditor", "psql", "delete from fb.don_lin", fails=True),
        act("postgres", "psql", "vacuum full fb.alloc"),
        *POSTED,
        checkpoint,
    ],
    {
        **STANDING,
        "fb.chg": ok(5),
        "fb.don": ok(2202, accepts=["delete", "rollback"]),
        "fb.don_lin": ok(6602, accepts=["delete", "cascade_delete", "rollback"]),
        # Four gifts a day from the 20th of April 2025 for 550 days: nineteen months, the last one October 2026.
        "fb.rep_month": ok(19, accepts=["truncate"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job", "application"), "tables": ()}],
    reported=["fb.don"],
    commits=[FIRST, Commit(4000, "Monthly report", {
        "db/change/004_report.sql": _sql(REPORT, CHANGE.format(4, "report")),
        "etc/crontab": f"{CRONTAB}50 2 * * * psql -q fb -c '{REFRESH}'\n"}), Commit(6, "Phones of agencies", {
        "db/change/005_phones.sql": _sql(COLUMN, CHANGE.format(5, "phones"))})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": DAILY} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        codes_that_lost_their_noughts, season_closed_by_somebody, fixtures_where_the_shell_pointed,
        month_report_that_stood_still,
    )
)  # fmt: skip
