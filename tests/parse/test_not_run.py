"""What stands in a file of code and is not run there, each beside a twin that is; and what is run and looks odd."""

import pytest

from triage_kit.parse.code import literal_hits
from triage_kit.parse.hits import read_hits

CASES = {
    # labels, keys, examples, messages
    ("a.go", 'switch op {\ncase "DELETE FROM a":\n\treturn\n}\ndb.Exec("DELETE FROM b")'): ["b"],
    ("a.js", "const told = { 'DROP TABLE a': 'drops' }; pool.query(x ? 'DROP TABLE b' : 'DROP TABLE c');"): ["b", "c"],
    ("a.go", 'var rules = []Rule{{Bad: "TRUNCATE a", Good: ""}}\nvar purge = "TRUNCATE b"'): ["b"],
    ("a.rs", '#[error("delete from {0} failed")]\nstruct E;\nfn f() { c.execute("delete from b", &[]) }'): ["b"],
    ("a.js", "res.send('TRUNCATE a'); toast('TRUNCATE a'); db.send('TRUNCATE b');"): ["b"],
    ("A.cs", 'log.LogInformation($"DELETE FROM a"); db.Execute($"DELETE FROM b");'): ["b"],
    ("a.rb", 'expect(sql).to eq("DELETE FROM a")\nconnection.execute("DELETE FROM b")'): ["b"],
    ("A.cs", 'Assert.Equal("DELETE FROM a", sql); isRisky("DROP TABLE a"); db.Execute("DELETE FROM b");'): ["b"],
    ("a.tsx", "<Input help={'DROP TABLE a'} />; snippet = ['DROP TABLE b', 'DROP TABLE c']; f('DROP TABLE d')"): ["d"],
    ("a.toml", 'forbidden = ["DROP TABLE a", "DROP TABLE b"]\non_start = ["DROP TABLE c"]'): ["c"],
    ("a.tf", 'pattern = "DROP TABLE a"\ncommand = "psql -c \'DROP TABLE b\'"'): ["b"],
    # tests
    ("src/a.rs", '#[cfg(test)]\nmod tests {\n    fn t() { for s in ["DROP TABLE a"] { risky(s); } }\n}'): [],
    ("src/a.rs", '#[cfg(test)]\nmod tests {\n    fn t(c: Client) { c.execute("DROP TABLE a"); }\n}'): ["a"],
    ("a_test.go", 'for _, sql := range []string{"DROP TABLE a"} {\n\tt.Run(sql, func(t *T) { Risky(sql) })\n}'): [],
    ("test/a_test.exs", 'use ExUnit.Case, async: true\ntest "it", do: assert Guard.risky?("DROP TABLE a")'): [],
    ("tests/ATests.cs", '[InlineData("DELETE FROM a")]\nvoid Told(string s) => Assert.True(Guard.Risky(s));'): [],
    ("tests/format.test.js", "const given = 'DROP TABLE a';\nexpect(format(given)).toBe(given);"): [],
    ("tests/a.test.js", "beforeEach(() => wipe('DROP TABLE a'));"): ["a"],
    ("tests/a.rs", '#[sqlx::test]\nasync fn t(pool: PgPool) { sqlx::query("DELETE FROM a").execute(&pool); }'): [],
    ("tests/a.rs", '#[tokio::test]\nasync fn t(pool: PgPool) { sqlx::query("DELETE FROM a").execute(&pool); }'): ["a"],
    ("test/a_test.exs", "defmodule T do\n  use Shop.DataCase\n  Repo.delete_all(Order)\nend"): [],
    ("test/a_test.exs", "defmodule T do\n  use ExUnit.Case\n  Repo.delete_all(Order)\nend"): ["Order"],
    ("a_test.go", 'tx, _ := db.Begin()\ndefer tx.Rollback()\ntx.Exec("DELETE FROM a")'): [],
    ("a_test.go", 'tx, _ := db.Begin()\ndefer tx.Rollback()\ntx.Exec("DELETE FROM a")\ntx.Commit()'): ["a"],
    ("tests/test_a.py", "from django.test import TestCase\nOrder.objects.all().delete()"): [],
    ("tests/test_a.py", "from unittest import TestCase\nOrder.objects.all().delete()"): ["Order"],
    # another database, another thing
    ("Dao.kt", 'import androidx.room.Dao\n@Query("DELETE FROM a")'): [],
    ("Dao.kt", 'import org.springframework.data.jpa.repository.Query\n@Query("DELETE FROM a")'): ["a"],
    ("a.go", "m.Delete(Key{ID: 1})\ndb.Delete(&Order{})"): ["Order"],
    ("a.ts", "import mongoose from 'mongoose';\nmongoose.connection.dropDatabase();"): [],
    ("a.ts", "await queryRunner.dropDatabase('shop');"): [None],
    ("a.yml", "deny:\n  - 'DROP TABLE a'\nrun:\n  - 'DROP TABLE b'\n"): ["b"],
    ("a.yml", 'alert: "DROP TABLE a"\non_start: "DROP TABLE b"\n'): ["b"],
    # what is run and looks odd
    ("a.go", "const purge = `\n-- old ones\nDELETE FROM a WHERE at < now()`"): ["a"],
    ("a.rs", 'sqlx::query!(r#"DELETE FROM "Order" WHERE id = $1"#, id).execute(pool);'): ["Order"],
    ("A.cs", 'db.Database.ExecuteSqlRaw(@"TRUNCATE ""Orders"" CASCADE");'): ["Orders"],
    ("a.php", "<?php DB::statement(<<<SQL\n    DELETE FROM a\n    WHERE x = 1\nSQL);"): ["a"],
    ("a.pl", '$dbh->do(<<"END");\nTRUNCATE a\nEND\n'): ["a"],
    ("a.ex", 'from(o in Order, where: o.x == 1) |> Repo.delete_all()\nTag |> Repo.delete_all()'): ["Order", "Tag"],
    ("a.rb", "old = Order.where(a: 1)\nold.in_batches(&:delete_all)\nlist.each(&:delete)"): ["Order"],
    ("a.php", "<?php class Log extends Model {\n    use HasUuids, MassPrunable;\n}"): ["Log"],
    ("a.php", "<?php class Log extends Model {\n    use HasUuids;\n    function prunable() {}\n}"): [],
    ("compose.yml", 'services:\n  reset:\n    entrypoint: ["dropdb", "--force", "shop"]\n'): ["shop"],
}  # fmt: skip


@pytest.mark.parametrize(("file", "objects"), CASES.items(), ids=str)
def test_what_is_not_run_is_no_hit_and_its_twin_is_one(file, objects):
    path, text = file
    assert [each.object for each in read_hits(text, path)] == objects


HOST, SECRET = "PGHOST: localhost", "PGHOST: ${{ secrets.HOST }}"


@pytest.mark.parametrize(("given", "found_in"), [(HOST, 0), (SECRET, 1), ("PGHOST: db.example.org", 1), ("X: y", 1)])
def test_a_job_is_given_the_address_of_its_service_by_a_host_too(given, found_in):
    text = f"services:\n  pg:\n    image: postgres:17\nenv:\n  {given}\nsteps:\n  - run: bin/rails db:schema:load\n"
    assert len(read_hits(text, ".github/workflows/test.yml")) == found_in


def test_a_job_of_circleci_has_its_service_beside_its_own_image():
    text = (
        "jobs:\n  test:\n    docker:\n      - image: cimg/ruby:3.3\n        environment:\n"
        "          DATABASE_URL: postgres://postgres@localhost/shop_test\n      - image: {}:16.2\n"
        "    steps:\n      - run: bin/rails db:schema:load\n"
    )
    found = [read_hits(text.format(image), ".circleci/config.yml") for image in ("cimg/postgres", "cimg/redis")]
    assert [len(each) for each in found] == [0, 1]


def test_a_job_and_a_compose_file_name_their_server_by_a_client_s_option():
    job = "services:\n  - name: postgres:17\n    alias: {}\nscript:\n  - dropdb -h {} shop\n"
    pairs = (("pg", "pg"), ("pg", "prod-db"))
    assert [len(read_hits(job.format(*each), ".gitlab-ci.yml")) for each in pairs] == [0, 1]
    compose = "services:\n  db:\n    image: postgres:17\n    {}\n  reset:\n    command: dropdb --host={} shop\n"
    memory, volume = "tmpfs:\n      - /var/lib/postgresql/data", "volumes: [pg:/var/lib/postgresql/data]"
    pairs = ((memory, "db"), (volume, "db"), (memory, "pg.example.org"))
    assert [len(read_hits(compose.format(*each), "compose.test.yaml")) for each in pairs] == [0, 1, 1]


def test_generated_statements_are_read_up_to_a_bound_and_keep_their_lines():
    statement = 'db.Exec(\n"DELETE FROM a{} WHERE id = 1")\n'
    code = "".join(map(statement.format, range(4_000)))
    found = list(literal_hits(code))
    assert [(each.object, each.line) for each in found] == [(f"a{n}", 2 * n + 2) for n in range(3_000)]


def test_a_script_may_commit_in_another_function_than_the_one_that_rolls_back():
    code = (
        "def rehearse(c):\n    with c.transaction(force_rollback=True):\n        c.execute('DELETE FROM a')\n\n"
        "def purge(c):\n    c.execute('DELETE FROM b')\n    c.commit()\n"
    )
    assert [each.object for each in read_hits(code, "scripts/purge.py")] == ["b"]
    committed = code.replace("DELETE FROM a')", "DELETE FROM a'); other.commit()")
    assert [each.object for each in read_hits(committed, "scripts/purge.py")] == ["a", "b"]
