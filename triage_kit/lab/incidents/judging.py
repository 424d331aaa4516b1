"""A judge of programming contests in Vietnamese, on Scala and Play: an edited evolution, no commit, a gap of ids."""

from __future__ import annotations

from triage_kit.lab.incidents.base import session
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

PROBLEMS = (
    "CREATE TABLE nguoi_dung (id serial PRIMARY KEY, ten varchar(60) NOT NULL UNIQUE, email varchar(120), vai_tro "
    "varchar(10) NOT NULL DEFAULT 'hoc_sinh')",
    "CREATE TABLE lop (id serial PRIMARY KEY, ten varchar(40) NOT NULL, nam_hoc smallint NOT NULL)",
    "CREATE TABLE thanh_vien (lop_id int NOT NULL REFERENCES lop, nguoi_dung_id int NOT NULL REFERENCES nguoi_dung, "
    "PRIMARY KEY (lop_id, nguoi_dung_id))",
    "CREATE TABLE bai_toan (id serial PRIMARY KEY, ma varchar(20) NOT NULL UNIQUE, de_bai text, gioi_han_ms int NOT "
    "NULL DEFAULT 1000)",
    "CREATE TABLE bo_test (bai_toan_id int NOT NULL REFERENCES bai_toan ON DELETE CASCADE, stt smallint NOT NULL, vao "
    "text, ra text, PRIMARY KEY (bai_toan_id, stt))",
    "CREATE TABLE phien (ma char(32) PRIMARY KEY, nguoi_dung_id int NOT NULL, het_han timestamptz NOT NULL)",
)
CONTESTS = (
    "CREATE TABLE ky_thi (id serial PRIMARY KEY, ten varchar(120) NOT NULL, bat_dau timestamptz NOT NULL)",
    "CREATE TABLE bai_nop (id serial PRIMARY KEY, nguoi_dung_id int NOT NULL REFERENCES nguoi_dung, bai_toan_id int "
    "NOT NULL REFERENCES bai_toan, ky_thi_id int, ngon_ngu varchar(8) NOT NULL, trang_thai varchar(4) NOT NULL DEFAULT "
    "'CHO', nop_luc timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE ket_qua_test (bai_nop_id int NOT NULL, stt smallint NOT NULL, ms int, ket_qua varchar(4) NOT NULL, "
    "PRIMARY KEY (bai_nop_id, stt))",
    "CREATE TABLE hang_cham (bai_nop_id int PRIMARY KEY, uu_tien smallint NOT NULL DEFAULT 0)",
)
TALK = (
    "CREATE TABLE binh_luan (id serial PRIMARY KEY, nguoi_dung_id int NOT NULL REFERENCES nguoi_dung, bai_toan_id int "
    "NOT NULL REFERENCES bai_toan, noi_dung text NOT NULL, luc timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE luot_thich (binh_luan_id int NOT NULL REFERENCES binh_luan, nguoi_dung_id int NOT NULL, PRIMARY KEY "
    "(binh_luan_id, nguoi_dung_id))",
    "CREATE TABLE diem_hang (nguoi_dung_id int NOT NULL REFERENCES nguoi_dung, ky_thi_id int NOT NULL REFERENCES "
    "ky_thi, diem int NOT NULL, PRIMARY KEY (nguoi_dung_id, ky_thi_id))",
)
NO_MORE_TALK = ("DROP TABLE diem_hang", "DROP TABLE luot_thich", "DROP TABLE binh_luan")
BOOK = (
    "create table play_evolutions (id int not null primary key, hash varchar(255) not null, applied_at timestamp not "
    "null, apply_script text, revert_script text, state varchar(255), last_problem text)"
)
NOTED = "insert into play_evolutions values ({0}, md5('{1}'), now(), '{1}', '', '{2}', '')"
TABLES = (
    BOOK,
    *PROBLEMS,
    *CONTESTS,
    *TALK,
    *(NOTED.format(number, name, "applied") for number, name in ((1, "bai toan"), (2, "ky thi"), (3, "binh luan"))),
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO thongke",
)
JDBC = "PostgreSQL JDBC Driver"
# Two judges became one some years ago, whose submissions were numbered on from 8201.
SUBMITTED = (
    act(
        "cham",
        JDBC,
        "INSERT INTO nguoi_dung (ten, email) SELECT 'hs' || g, 'hs' || g || '@example.vn' FROM generate_series(1, 2600)"
        " g",
        "INSERT INTO lop (ten, nam_hoc) SELECT 'Lớp ' || g, 2023 + g % 3 FROM generate_series(1, 66) g",
        "INSERT INTO thanh_vien SELECT 1 + g % 66, g FROM generate_series(1, 2560) g",
        "INSERT INTO bai_toan (ma, de_bai) SELECT 'BAI' || g, 'Cho dãy số' FROM generate_series(1, 310) g",
        "INSERT INTO bo_test SELECT 1 + g / 12, g % 12, '1 2', '3' FROM generate_series(0, 3719) g",
        "INSERT INTO ky_thi (ten, bat_dau) SELECT 'Kỳ thi ' || g, timestamptz '2024-01-06 08:00+07' + g * interval '3 w"
        "eeks' FROM generate_series(1, 44) g",
        "INSERT INTO bai_nop (nguoi_dung_id, bai_toan_id, ky_thi_id, ngon_ngu, nop_luc) SELECT 1 + g % 2600, 1 + g % "
        "310, 1 + g % 20, 'C++20', timestamptz '2024-01-06 08:00+07' + g * interval '2 hours' FROM "
        "generate_series(1, 7000) g",
        "SELECT setval('bai_nop_id_seq', 8200)",
        "INSERT INTO bai_nop (nguoi_dung_id, bai_toan_id, ky_thi_id, ngon_ngu, nop_luc) SELECT 1 + g % 2600, 1 + g % "
        "310, 20 + g % 24, 'PY3', timestamptz '2025-08-11 08:00+07' + (g - 8200) * interval '2 hours' FROM "
        "generate_series(8201, 13200) g",
        *(
            f"INSERT INTO ket_qua_test SELECT g, {stt}, 15 + g % 400, 'AC' FROM generate_series({first}, {last}) g"
            for first, last in ((1, 7000), (8201, 13200))
            for stt in range(3)
        ),
        *(
            f"UPDATE bai_nop SET trang_thai = '{state}' WHERE id % 5 {which}"
            for state, which in (("AC", "< 3"), ("WA", "= 3"), ("TLE", "= 4"))
        ),
        "INSERT INTO binh_luan (nguoi_dung_id, bai_toan_id, noi_dung) SELECT 1 + g % 2600, 1 + g % 310, 'Mình dùng quy "
        "hoạch động' FROM generate_series(1, 4200) g",
        "INSERT INTO luot_thich SELECT 1 + g % 4200, 1 + g % 2600 FROM generate_series(1, 9100) g",
        "INSERT INTO diem_hang SELECT 1 + g % 1300, 1 + g / 1300, 1500 + g % 700 FROM generate_series(0, 7799) g",
    ),
    act("cham", JDBC, "INSERT INTO phien SELECT md5(g::text), 1 + g % 2600, now() + (g - 400) * interval '1 minute' "
        "FROM generate_series(1, 900) g"),
)  # fmt: skip
JUDGED = (
    act("cham", JDBC, "INSERT INTO hang_cham SELECT g, g % 3 FROM generate_series(13101, 13200) g"),
    *(act("cham", JDBC, "DELETE FROM hang_cham WHERE bai_nop_id IN (SELECT bai_nop_id FROM hang_cham ORDER BY uu_tien "
          "FOR UPDATE SKIP LOCKED LIMIT 40) RETURNING bai_nop_id") for _ in range(3)),
)  # fmt: skip
HANDED_IN = (
    act("cham", JDBC, "INSERT INTO bai_nop (nguoi_dung_id, bai_toan_id, ngon_ngu) VALUES (77, 12, 'C++20') RETURNING "
        "id", "UPDATE bai_nop SET trang_thai = 'AC' WHERE id = (SELECT max(id) FROM bai_nop)"),
    act("cham", JDBC, "INSERT INTO bai_nop (nguoi_dung_id, bai_toan_id, ngon_ngu) VALUES (1502, 40, 'JAVA') RETURNING "
        "id", "UPDATE bai_nop SET trang_thai = 'RE' WHERE id = (SELECT max(id) FROM bai_nop)"),
)  # fmt: skip
LOGGED_OUT = act("cham", JDBC, "DELETE FROM phien WHERE het_han < now()")
STANDING = {
    "public.play_evolutions": ok(3, accepts=["update"]),
    "public.nguoi_dung": ok(2600),
    "public.lop": ok(66),
    "public.thanh_vien": ok(2560),
    "public.bai_toan": ok(310),
    "public.bo_test": ok(3720),
    # Sessions end every minute; nobody loses one that has not.
    "public.phien": {**ok(None, "delete", accepts=["none"]), "statuses": ("partial", "undecided")},
    "public.ky_thi": ok(44),
    "public.bai_nop": ok(12002, accepts=["update"]),
    "public.ket_qua_test": ok(36000),
    "public.hang_cham": ok(0, "delete", accepts=["none"]),
    "public.binh_luan": ok(4200),
    "public.luot_thich": ok(9100),
    "public.diem_hang": ok(7800),
}
ROLES = {"longpv": "cham", "thongke": ""}
QUEUE = {"public.hang_cham": ("none", "rollback"), "public.phien": ("none", "rollback")}


def _evolution(ups: tuple[str, ...], downs: tuple[str, ...], note: str = "") -> str:
    up, down = ("".join(f"{each};\n" for each in part) for part in (ups, downs))
    return f"# --- !Ups\n{note}{up}\n# --- !Downs\n{down}"


EVOLUTIONS = "conf/evolutions/default"
FIRST = Commit(25000, "Bài toán và kỳ thi", {
    f"{EVOLUTIONS}/1.sql": _evolution(PROBLEMS, ("DROP TABLE phien", "DROP TABLE bo_test", "DROP TABLE bai_toan",
                                                 "DROP TABLE thanh_vien", "DROP TABLE lop", "DROP TABLE nguoi_dung")),
    f"{EVOLUTIONS}/2.sql": _evolution(CONTESTS, ("DROP TABLE hang_cham", "DROP TABLE ket_qua_test",
                                                 "DROP TABLE bai_nop", "DROP TABLE ky_thi")),
    "build.sbt": 'lazy val root = (project in file(".")).enablePlugins(PlayScala)\nscalaVersion := "3.3.4"\n'
    'libraryDependencies ++= Seq(jdbc, evolutions, "org.playframework.anorm" %% "anorm" % "2.7.0", "org.postgresql" % '
    '"postgresql" % "42.7.4")\n',
    "conf/application.conf": 'db.default.url = ${?JDBC_URL}\ndb.default.username = cham\nplay.evolutions.db.default.'
    "autoApply = true\n",
    "app/cham/HangCham.scala": 'package cham\n\nclass HangCham(db: Database):\n  // máy chấm hỏi mỗi giây\n  def lay'
    '(): List[Int] = db.withConnection { implicit c =>\n    SQL("""DELETE FROM hang_cham WHERE bai_nop_id IN (SELECT '
    'bai_nop_id FROM hang_cham\n      ORDER BY uu_tien FOR UPDATE SKIP LOCKED LIMIT 40) RETURNING bai_nop_id""")'
    '.as(int("bai_nop_id").*)\n  }\n',
    "app/web/DonPhien.scala": 'package web\n\nclass DonPhien(db: Database, system: ActorSystem):\n  system.scheduler.'
    'scheduleAtFixedRate(1.minute, 1.minute) { () =>\n    db.withConnection { implicit c => SQL("DELETE FROM phien '
    'WHERE het_han < now()").executeUpdate() }\n  }\n',
}, author="Phạm Văn Long <long@example.vn>")  # fmt: skip
TALKED = Commit(4100, "Bình luận, lượt thích, điểm hạng", {
    f"{EVOLUTIONS}/3.sql": _evolution(TALK, NO_MORE_TALK, "-- bình luân dưới mỗi bài\n"),
    "docker-compose.yml": "services:\n  web:\n    image: registry.example.vn/cham:latest\n    command: [\"-Dplay."
    "evolutions.db.default.autoApply=true\", \"-Dplay.evolutions.db.default.autoApplyDowns=true\"]\n    environment: "
    "{JDBC_URL: \"jdbc:postgresql://db/cham\"}\n"}, author="Thư Nguyễn <thu@example.vn>")  # fmt: skip
LATER = act("cham", JDBC, "INSERT INTO lop (ten, nam_hoc) VALUES ('Lớp 10A1', 2026), ('Lớp 10A2', 2026)")

TALKING = ("public.binh_luan", "public.luot_thich", "public.diem_hang")
BY_PLAY = {"cause": "migration", "tables": TALKING}
typo_in_an_applied_evolution = Script(
    "typo_in_an_applied_evolution",
    "A typo in a comment of evolution 3 is mended, so its hash is another one; with autoApplyDowns on, Play runs the "
    "downs and the ups of it: comments, likes and ratings are made anew",
    "cham",
    "cham",
    TABLES,
    [
        *SUBMITTED,
        *JUDGED,
        LOGGED_OUT,
        checkpoint,
        act("longpv", "psql", "SELECT id, noi_dung FROM binh_luan WHERE noi_dung ILIKE '%casino%'",
            "DELETE FROM binh_luan WHERE noi_dung ILIKE '%casino%'"),
        act("cham", JDBC, "update play_evolutions set state = 'applying_down' where id = 3", *NO_MORE_TALK,
            "delete from play_evolutions where id = 3", NOTED.format(3, "binh luan sua", "applying_up"), *TALK,
            "update play_evolutions set state = 'applied' where id = 3"),
        *HANDED_IN,
        act("cham", JDBC, "INSERT INTO binh_luan (nguoi_dung_id, bai_toan_id, noi_dung) VALUES (77, 12, 'Sao mất hết "
            "bình luận?')", "INSERT INTO luot_thich VALUES (1, 902), (1, 77)"),
        act("thongke", "Grafana", "SELECT count(*) FROM diem_hang", fails=True),
        act("longpv", "psql", "SELECT count(*) FROM binh_luan", "DELETE FROM binh_luan_cu", fails=True),
        *JUDGED,
        checkpoint,
    ],
    {
        **STANDING,
        # Struck off and written down again.
        "public.play_evolutions": {**ok(3, "delete", accepts=["none", "update"]), "statuses": ("partial", "undecided")},
        "public.binh_luan": lost("recreate", None, 1),
        "public.luot_thich": lost("recreate", None, 2),
        "public.diem_hang": lost("recreate", None),
    },
    "migration",
    roles=ROLES,
    roots=TALKING,
    causes=[BY_PLAY],
    reported=["binh_luan", "diem_hang"],
    commits=[FIRST, TALKED, Commit(1.5, "Sửa lỗi chính tả", {
        f"{EVOLUTIONS}/3.sql": _evolution(TALK, NO_MORE_TALK, "-- bình luận dưới mỗi bài\n"),
        "public/js/de.js": "document.querySelector('#binh-luan h2').textContent = 'Bình luận';\n"},
        author="Thư Nguyễn <thu@example.vn>")],
    later=[LATER],
    # A log at its defaults holds neither DROP nor CREATE; the repository has the downs.
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(TALKING, ("none", "new_cluster", "restore", "drop",
                                                                     "counters_reset"))
                                             if view == "stats_csv" else {})},
                  "causes": ({**BY_PLAY, "accepts": ("unknown", *(("not_lost",) if view == "stats_csv" else ()))},)}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

CLASSES = (
    "INSERT INTO lop (ten, nam_hoc) SELECT 'Lớp 10C' || g, 2026 FROM generate_series(1, 16) g",
    "INSERT INTO nguoi_dung (ten, email) SELECT 'k26_' || g, 'k26_' || g || '@example.vn' FROM generate_series(1, 640) "
    "g",
    "INSERT INTO thanh_vien SELECT l.id, n.id FROM lop l JOIN nguoi_dung n ON n.id % 16 = l.id % 16 WHERE l.nam_hoc = "
    "2026 AND n.ten LIKE 'k26%'",
)
IMPORTED = act("cham", "", *CLASSES, "SELECT count(*) FROM nguoi_dung", undone=True)
IMPORTER = (
    '#!/usr/bin/env python3\n"""nhap_lop.py DANH_SACH.csv: lớp mới, học sinh mới"""\nimport csv\nimport sys\n\nimport '
    "psycopg2\n\nconn = psycopg2.connect('dbname=cham user=cham')\ncur = conn.cursor()\nlop = {}\nfor dong in csv."
    "DictReader(open(sys.argv[1], encoding='utf-8-sig')):\n    if dong['lop'] not in lop:\n        cur.execute('INSERT "
    "INTO lop (ten, nam_hoc) VALUES (%s, %s) RETURNING id', (dong['lop'], dong['nam_hoc']))\n        lop[dong['lop']] "
    "= cur.fetchone()[0]\n    cur.execute('INSERT INTO nguoi_dung (ten, email) VALUES (%s, %s) RETURNING id', (dong["
    "'ten'], dong['email']))\n    cur.execute('INSERT INTO thanh_vien VALUES (%s, %s)', (lop[dong['lop']], cur."
    "fetchone()[0]))\ncur.execute('SELECT count(*) FROM nguoi_dung')\nprint('bây giờ có', cur.fetchone()[0], 'người "
    "dùng')\n"
)
THREE = ("public.nguoi_dung", "public.lop", "public.thanh_vien")
class_list_without_a_commit = Script(
    "class_list_without_a_commit",
    "False alarm: the pupils of the new year were imported twice and `are gone each time`; psycopg2 opens a "
    "transaction by itself, and the script ends without a commit",
    "cham",
    "cham",
    TABLES,
    [
        *SUBMITTED,
        *JUDGED,
        checkpoint,
        *HANDED_IN,
        IMPORTED,
        act("cham", JDBC, "SELECT id FROM nguoi_dung WHERE ten = 'k26_7'"),
        LOGGED_OUT,
        act("longpv", "psql", "DELETE FROM nguoi_dung WHERE email LIKE '%@test.vn'"),
        IMPORTED,
        act("longpv", "psql", "SELECT count(*) FROM nguoi_dung WHERE ten LIKE 'k26%'", "SELECT last_value FROM "
            "nguoi_dung_id_seq"),
        act("thongke", "Grafana", "DELETE FROM phien WHERE nguoi_dung_id > 2600", fails=True),
        *JUDGED,
        checkpoint,
    ],
    {**STANDING, **{name: ok(STANDING[name]["rows"], "rollback", accepts=["none"]) for name in THREE}},
    "not_lost",
    roles=ROLES,
    causes=[{"cause": "not_lost", "tables": ()}],
    reported=["nguoi_dung", "thanh_vien"],
    commits=[FIRST, TALKED, Commit(9, "Nhập danh sách lớp từ CSV", {"tools/nhap_lop.py": IMPORTER})],
    later=[LATER],
    settings={"log_line_prefix": "%m [%p] %q%u@%d "},
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(THREE, ("none", "truncate", "delete", "counters_reset"))
                                             if view in ("crash", "stats_csv") else {})}} for view in BLIND},
    holdout=True,
)  # fmt: skip

COPIED = "INSERT INTO bai_nop_moi SELECT * FROM bai_nop WHERE id > {} AND id <= {} ON CONFLICT DO NOTHING"
BEGUN = (
    "CREATE TABLE bai_nop_moi (LIKE bai_nop INCLUDING ALL)",
    "ALTER TABLE bai_nop_moi OWNER TO cham",
    "ALTER TABLE bai_nop_moi ALTER COLUMN id TYPE bigint",
    "CREATE FUNCTION bai_nop_dong_bo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO bai_nop_moi VALUES "
    "(NEW.*) ON CONFLICT (id) DO UPDATE SET trang_thai = EXCLUDED.trang_thai; RETURN NEW; END $$",
    "CREATE TRIGGER dong_bo AFTER INSERT OR UPDATE ON bai_nop FOR EACH ROW EXECUTE FUNCTION bai_nop_dong_bo()",
)
SWAPPED = (
    "LOCK TABLE bai_nop IN ACCESS EXCLUSIVE MODE",
    "ALTER SEQUENCE bai_nop_id_seq OWNED BY bai_nop_moi.id",
    "ALTER SEQUENCE bai_nop_id_seq AS bigint",
    "ALTER TABLE bai_nop RENAME TO bai_nop_cu",
    "ALTER TABLE bai_nop_moi RENAME TO bai_nop",
    "DROP TABLE bai_nop_cu",
    "DROP FUNCTION bai_nop_dong_bo()",
)
WIDENED = (
    "#!/usr/bin/env python3\n# bai_nop.id int -> bigint, không dừng máy chấm\nimport psycopg2\n\nconn = psycopg2."
    "connect('dbname=cham')\nconn.autocommit = True\ncur = conn.cursor()\n"
    + "".join(f'cur.execute("""{each}""")\n' for each in BEGUN)
    + "cuoi = 0\nwhile True:\n    cur.execute('INSERT INTO bai_nop_moi SELECT * FROM bai_nop WHERE id > %s AND id <= %s"
    " ON CONFLICT DO NOTHING', (cuoi, cuoi + 1000))\n    if cur.rowcount == 0:\n        break\n    cuoi += 1000\n"
    "conn.autocommit = False\n" + "".join(f'cur.execute("""{each}""")\n' for each in SWAPPED) + "conn.commit()\n"
)


def _widened(stage: Stage) -> None:
    """The script ends its loop at the first thousand of ids that holds no row; pupils hand in while it copies."""
    with session(stage.server, stage.database, "longpv", "") as connection:
        for statement in BEGUN:
            connection.execute(statement)
        HANDED_IN[0](stage)
        last, copied = 0, 1
        while copied:
            copied = connection.execute(COPIED.format(last, last + 1000)).rowcount
            last += 1000
        HANDED_IN[1](stage)
        with connection.transaction():
            for statement in SWAPPED:
                connection.execute(statement)


BY_SCRIPT = {"cause": "migration", "accepts": ("manual_session",), "tables": ("public.bai_nop",)}
copied_up_to_the_first_gap = Script(
    "copied_up_to_the_first_gap",
    "A script makes the submissions' ids bigint: it fills a table beside in batches, until a batch brings nothing, and "
    "swaps the names; a thousand ids without a row ended it early, and the old table is dropped",
    "cham",
    "cham",
    TABLES,
    [
        *SUBMITTED,
        *JUDGED,
        LOGGED_OUT,
        checkpoint,
        act("cham", JDBC, "DELETE FROM bai_nop WHERE trang_thai = 'HUY'"),
        _widened,
        act("longpv", "psql", "GRANT SELECT ON bai_nop TO thongke", "SELECT max(id) FROM bai_nop"),
        *HANDED_IN,
        act("thongke", "Grafana", "SELECT count(*) FROM bai_nop WHERE ngon_ngu = 'PY3'"),
        act("thongke", "Grafana", "TRUNCATE bai_nop", fails=True),
        *JUDGED,
        checkpoint,
    ],
    # Of 12,000 the 7,000 before the gap were copied; two came by the trigger, two after the swap.
    {**STANDING, "public.bai_nop": lost("recreate", 5000, 7004)},
    "migration",
    roles=ROLES,
    roots=["public.bai_nop"],
    causes=[BY_SCRIPT],
    reported=["bai_nop"],
    commits=[FIRST, TALKED, Commit(28, "bigint cho bai_nop", {"tools/doi_bigint.py": WIDENED},
                                   author="Phạm Văn Long <long@example.vn>")],
    later=[LATER],
    settings={"log_line_prefix": "%m [%p] %q%u@%d ", "log_min_duration_statement": "10s",
              "track_commit_timestamp": True},
    views={view: {"untellable": {**QUEUE, **({"public.bai_nop": ("none", "new_cluster", "restore", "counters_reset")}
                                             if view in ("crash", "stats_csv") else {})},
                  "causes": ({**BY_SCRIPT, "accepts": ("manual_session", "unknown")},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident() for each in (typo_in_an_applied_evolution, class_list_without_a_commit, copied_up_to_the_first_gap)
)
