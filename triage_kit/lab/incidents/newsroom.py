"""A newspaper's pages: a tree that goes with its root, a view that shows nothing, the wrong database asked."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE pages (id int PRIMARY KEY, parent_id int REFERENCES pages ON DELETE CASCADE, slug text, "
    "state text DEFAULT 'published')",
    "CREATE TABLE revisions (id bigserial PRIMARY KEY, page_id int NOT NULL REFERENCES pages ON DELETE CASCADE, "
    "body text)",
    "CREATE TABLE media (id bigserial PRIMARY KEY, page_id int REFERENCES pages ON DELETE SET NULL, file text)",
    "CREATE TABLE newsletter (id bigserial PRIMARY KEY, mail text, sent timestamptz)",
    "CREATE VIEW published AS SELECT * FROM pages WHERE state = 'published'",
    "CREATE INDEX ON pages (parent_id)",
)
# Page 1 is the root; 2 to 10 are sections, 11 to 100 lie below sections, the rest below those.
WRITTEN = act(
    "press_cms",
    "cms-editor",
    "INSERT INTO pages VALUES (1, NULL, 'home')",
    "INSERT INTO pages SELECT g, 1, 'section' FROM generate_series(2, 10) g",
    "INSERT INTO pages SELECT g, 2 + g % 9, 'topic' FROM generate_series(11, 100) g",
    "INSERT INTO pages SELECT g, 11 + g % 90, 'story' FROM generate_series(101, 1000) g",
    "INSERT INTO revisions (page_id, body) SELECT 1 + g % 1000, repeat('lorem ', 40) FROM generate_series(1, 5000) g",
    "INSERT INTO media (page_id, file) SELECT 1 + g % 1000, 'f.jpg' FROM generate_series(1, 800) g",
)
EDITED = act(
    "press_cms",
    "cms-editor",
    "INSERT INTO media (page_id, file) VALUES (1, 'n.jpg'), (1, 'm.jpg')",
    "UPDATE pages SET slug = 'front' WHERE id = 1",
)
PREFIX = {"log_line_prefix": "%q%a | %u | %d | %m | ", "log_timezone": "Europe/Athens"}
STANDING = {
    "public.pages": ok(1000),
    "public.revisions": ok(5000),
    "public.media": ok(802),
    "public.newsletter": ok(0),
}

section_deleted = Script(
    "section_deleted",
    "An editor deletes one section in the application: the tree below it and every revision go along",
    "presse",
    "press_cms",
    TABLES,
    [WRITTEN, checkpoint, act("press_cms", "cms-editor", "DELETE FROM pages WHERE id = 4"), EDITED, checkpoint],
    {
        **STANDING,
        "public.pages": lost("delete", 111, 889, accepts=["cascade_delete"]),
        "public.revisions": lost("cascade_delete", 555, 4445, via=["public.pages"]),
        "public.media": ok(802, accepts=["update"]),
    },
    "application",
    roots=["public.pages"],
    reported=["pages", "revisions"],
    later=[EDITED],
    settings=PREFIX,
    views=ANONYMOUS,
)

VIEW = "CREATE OR REPLACE VIEW published AS SELECT * FROM pages WHERE state = 'live'"

view_shows_nothing = Script(
    "view_shows_nothing",
    "A release redefines the view that the site reads: its condition holds for no row, and every page stands",
    "presse",
    "press_cms",
    TABLES,
    [
        WRITTEN,
        checkpoint,
        act("press_cms", "knex", VIEW),
        act("press_cms", "cron", "VACUUM FULL media", "CLUSTER revisions USING revisions_pkey"),
        EDITED,
    ],
    {**STANDING, "public.pages": lost("hidden", 0, 1000, status="hidden", statuses=["intact"], accepts=["none"])},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.pages",)}],
    reported=["pages"],
    commits=[Commit(1, "State live", {"migrations/20261125_state_live.sql": VIEW + ";\n"})],
    later=[EDITED],
    settings=PREFIX,
)


def _the_other_database(stage: Stage) -> None:
    """Where the pages really are: a database of nearly the same name on the same server."""
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        connection.execute("CREATE DATABASE presse OWNER press_cms")
    with base.session(stage.server, "presse", "press_cms", "migrate") as connection:
        for statement in (*TABLES, *WRITTEN.statements):
            connection.execute(statement)


wrong_database = Script(
    "wrong_database",
    "The staging database was asked: its tables were never filled, and the rows stand in the database beside it",
    "presse_staging",
    "press_cms",
    TABLES,
    [_the_other_database, act("press_cms", "cms-editor", "INSERT INTO newsletter (mail) VALUES ('a@example.org')")],
    {
        **{f"public.{name}": {**lost("unknown", None, 0, status="undecided", statuses=["intact"]),
                              "accepts": ("none", "hidden")} for name in ("pages", "revisions")},
        "public.media": ok(0),
        "public.newsletter": ok(1),
    },
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["pages", "revisions"],
    later=[act("press_cms", "cms-editor", "INSERT INTO newsletter (mail) VALUES ('b@example.org')")],
    settings=PREFIX,
    # Bare counters do not say that the rows are elsewhere, nor that there never were any.
    views={"stats_csv": {"untellable": {"public.pages": ("none",), "public.revisions": ("none",)}}},
)  # fmt: skip

newsletter_never_filled = Script(
    "newsletter_never_filled",
    "False alarm: a table that nothing ever wrote to, though migrations touched it and an attempt to clear it failed",
    "presse",
    "press_cms",
    TABLES,
    [
        WRITTEN,
        checkpoint,
        act("press_cms", "knex", "CREATE INDEX newsletter_mail ON newsletter (mail)",
            "ALTER TABLE newsletter ADD COLUMN lang text DEFAULT 'el'"),
        act("guest_editor", "psql", "DELETE FROM newsletter", fails=True),
        act("press_cms", "cron", "VACUUM newsletter", "ANALYZE newsletter"),
        EDITED,
    ],
    STANDING,
    "not_lost",
    roles={"guest_editor": ""},
    reported=["newsletter"],
    commits=[Commit(2, "Languages", {"migrations/20261125_lang.sql": "CREATE INDEX newsletter_mail ON newsletter "
                                     "(mail);\nALTER TABLE newsletter ADD COLUMN lang text DEFAULT 'el';\n"})],
    later=[EDITED],
    settings=PREFIX,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident() for each in (section_deleted, view_shows_nothing, wrong_database, newsletter_never_filled)
)
