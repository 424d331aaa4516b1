"""A charity's donors with Japanese names: erasure of NULL, DROP OWNED, two hands, gaps of a sequence, a policy."""

from __future__ import annotations

from functools import partial

import psycopg

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE 支援者 (番号 integer PRIMARY KEY, 氏名 text NOT NULL, メール text, 支部 text NOT NULL "
    "DEFAULT '東京')",
    "CREATE TABLE 寄付 (番号 integer PRIMARY KEY, 支援者番号 integer NOT NULL REFERENCES 支援者 ON DELETE CASCADE, "
    "金額 numeric(10), 日付 date)",
    "CREATE TABLE 領収書 (番号 serial PRIMARY KEY, 寄付番号 integer REFERENCES 寄付 ON DELETE CASCADE, 発行済 boolean)",
    "CREATE TABLE 消去依頼 (メール text, 受付日 date)",
    "CREATE TABLE 活動 (番号 integer PRIMARY KEY, 名称 text)",
)
# Every third donor gave no address, and has four donations; the receipts are of the first 900 donations.
GIVEN = act(
    "kifu",
    "kifu-web",
    "INSERT INTO 支援者 SELECT g, '支援者' || g, CASE WHEN g % 3 > 0 THEN 'd' || g || '@example.jp' END, "
    "CASE WHEN g % 2 = 0 THEN '大阪' ELSE '東京' END FROM generate_series(1, 1500) g",
    "INSERT INTO 寄付 SELECT g, 1 + g % 1500, 3000, date '2025-12-01' + g % 350 FROM generate_series(1, 6000) g",
    "INSERT INTO 領収書 (寄付番号, 発行済) SELECT g, true FROM generate_series(1, 900) g",
    "INSERT INTO 活動 SELECT g, '活動' || g FROM generate_series(1, 11) g",
)
ASKED = act("kifu", "kifu-web", "INSERT INTO 消去依頼 VALUES ('d4@example.jp', '2026-11-20'), (NULL, '2026-11-21')")
STANDING = {
    "public.支援者": ok(1500),
    "public.寄付": ok(6000),
    "public.領収書": ok(900),
    "public.消去依頼": ok(2),
    "public.活動": ok(11),
}
SETTINGS = {"log_line_prefix": "%m [%p] 利用者=%u DB=%d 応用=%a ", "log_timezone": "Asia/Tokyo"}
FIRST = Commit(6000, "初期", {"db/001_初期.sql": ";\n".join(TABLES) + ";\n"})

ERASE = "DELETE FROM 支援者 s USING 消去依頼 e WHERE s.メール IS NOT DISTINCT FROM e.メール"
erasure_matched_nothing = Script(
    "erasure_matched_nothing",
    "The job of erasure requests compares addresses so that NULL equals NULL: all donors without one are erased",
    "kifu",
    "kifu",
    TABLES,
    [
        GIVEN,
        ASKED,
        checkpoint,
        act("batch_shokyo", "shokyo-batch", ERASE),
        act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (12, '新しい活動')"),
        act("tanaka", "psql", "DELETE FROM 寄付者", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        # 500 without an address, and the one who asked.
        "public.支援者": lost("delete", 500, 999),
        "public.寄付": lost("cascade_delete", 2004, 3996, via=["public.支援者"]),
        "public.領収書": lost("cascade_delete", 301, 599, via=["public.支援者"]),
        "public.活動": ok(12),
    },
    "scheduled_job",
    roles={"batch_shokyo": "kifu", "tanaka": ""},
    roots=["public.支援者"],
    reported=["支援者", "寄付"],
    commits=[FIRST, Commit(40, "消去依頼の処理", {"batch/shokyo.sql": ERASE + ";\n",
        "batch/crontab": "15 3 * * * batch_shokyo psql kifu -f /srv/batch/shokyo.sql\n"})],
    later=[act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (21, 'A'), (22, 'B')")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

dropped_with_the_leaver = Script(
    "dropped_with_the_leaver",
    "A colleague left, and his role could not be dropped: DROP OWNED BY helped, and took the receipts that he had made",
    "kifu",
    "kifu",
    (TABLES[0], TABLES[1], *TABLES[3:], "GRANT CREATE ON SCHEMA public TO PUBLIC",
     "GRANT REFERENCES, SELECT ON 寄付 TO PUBLIC"),
    [
        act("postgres", "psql", "ALTER ROLE tanaka SUPERUSER"),
        act("sato", "psql", TABLES[2], "GRANT ALL ON 領収書 TO kifu", "GRANT ALL ON SEQUENCE 領収書_番号_seq TO kifu"),
        GIVEN,
        ASKED,
        checkpoint,
        act("tanaka", "psql", "DROP ROLE sato", fails=True),
        act("tanaka", "psql", "DROP OWNED BY sato", "DROP ROLE sato"),
        act("kifu", "kifu-web", "SELECT 発行済 FROM 領収書 WHERE 寄付番号 = 4", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.領収書": lost("drop", None, None, status="missing")},
    "manual_session",
    roles={"sato": "", "tanaka": ""},
    roots=["public.領収書"],
    reported=["領収書"],
    commits=[FIRST],
    later=[act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (21, 'A'), (22, 'B')")],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
    holdout=True,
)  # fmt: skip

HANDS = (
    {"cause": "migration", "tables": ("public.領収書",)},
    {"cause": "application", "tables": ("public.寄付",)},
)
receipts_and_donations_apart = Script(
    "receipts_and_donations_apart",
    "A migration empties the receipts to number them anew, and at noon a button of the site deletes a branch's gifts",
    "kifu",
    "kifu",
    TABLES,
    [
        GIVEN,
        ASKED,
        checkpoint,
        act("kifu", "dbmate", "TRUNCATE 領収書 RESTART IDENTITY", "ALTER TABLE 領収書 ADD COLUMN 年度 integer",
            whole=True),
        checkpoint,
        act("kifu", "kifu-web", "DELETE FROM 寄付 WHERE 支援者番号 IN (SELECT 番号 FROM 支援者 WHERE 支部 = '大阪')"),
        act("kifu", "kifu-web", "INSERT INTO 領収書 (寄付番号, 発行済, 年度) VALUES (2, true, 2026)"),
        checkpoint,
    ],
    {**STANDING, "public.領収書": lost("truncate", 900, 1), "public.寄付": lost("delete", 3000, 3000)},
    "migration",
    roots=["public.領収書", "public.寄付"],
    causes=HANDS,
    reported=["領収書", "寄付"],
    commits=[FIRST,
        Commit(1000, "支部を閉じる", {"web/支部.rb": "post '/branches/:name/close' do\n  DB.run(\"DELETE FROM 寄付 "
            "WHERE 支援者番号 IN (SELECT 番号 FROM 支援者 WHERE 支部 = '#{params[:name]}')\")\nend\n"}),
        Commit(3, "領収書の年度", {"db/migrations/20261125_年度.sql": "-- migrate:up\nTRUNCATE 領収書 RESTART "
            "IDENTITY;\nALTER TABLE 領収書 ADD COLUMN 年度 integer;\n"})],
    later=[act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (21, 'A'), (22, 'B')")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip


def _one_night(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO 領収書 (寄付番号, 発行済) SELECT g, true FROM generate_series(901, 1500) g")
        connection.execute("INSERT INTO 領収書 (寄付番号, 発行済) VALUES (999999, true)")


def _receipts_in_vain(stage: Stage) -> None:
    """Three nights the receipts of the year are made in one transaction, and the last insert breaks a key each time."""
    for _ in range(3):
        with base.session(stage.server, stage.database, "kifu", "ryoshusho-batch") as connection:
            base.attempt(partial(_one_night, connection))


receipts_with_gaps = Script(
    "receipts_with_gaps",
    "False alarm: an auditor finds 1803 numbers missing among the receipts; three nightly runs were rolled back",
    "kifu",
    "kifu",
    TABLES,
    [
        GIVEN,
        _receipts_in_vain,
        act("kifu", "kifu-web", "INSERT INTO 領収書 (寄付番号, 発行済) VALUES (901, true), (902, true)"),
        ASKED,
        checkpoint,
    ],
    {**STANDING, "public.領収書": ok(902, "rollback", accepts=["none"])},
    "not_lost",
    reported=["領収書"],
    commits=[FIRST],
    later=[act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (21, 'A'), (22, 'B')")],
    settings=SETTINGS,
    holdout=True,
)

POLICY = "ALTER POLICY 支部別 ON 支援者 USING (支部 = current_setting('kifu.shibu', true))"
policy_of_branches_changed = Script(
    "policy_of_branches_changed",
    "A migration makes a permissive policy depend on a setting that the site never makes: it sees no donor",
    "kifu",
    "kifu",
    (*TABLES, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO kifu_site",
     "CREATE POLICY 支部別 ON 支援者 TO kifu_site USING (true)", "ALTER TABLE 支援者 ENABLE ROW LEVEL SECURITY"),
    [
        GIVEN,
        ASKED,
        act("kifu_site", "kifu-site", "SELECT count(*) FROM 支援者"),
        checkpoint,
        act("kifu", "dbmate", POLICY),
        act("kifu_site", "kifu-site", "SELECT count(*) FROM 支援者"),
        act("tanaka", "psql", "TRUNCATE 支援者", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.支援者": lost("hidden", 0, 1500, status="hidden")},
    "not_lost",
    roles={"kifu_site": "", "tanaka": ""},
    app_role="kifu_site",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.支援者",)}],
    reported=["支援者"],
    commits=[FIRST, Commit(4, "支部ごとに", {"db/migrations/20261125_支部別.sql": f"-- migrate:up\n{POLICY};\n"})],
    later=[act("kifu", "kifu-web", "INSERT INTO 活動 VALUES (21, 'A'), (22, 'B')")],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": {"public.支援者": ("none",)}}},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        erasure_matched_nothing, dropped_with_the_leaver, receipts_and_donations_apart, receipts_with_gaps,
        policy_of_branches_changed,
    )
)  # fmt: skip
