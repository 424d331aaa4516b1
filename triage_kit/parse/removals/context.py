"""Whether a file speaks to a PostgreSQL database at all, told by words of its text."""

from __future__ import annotations

import re

# What a file that speaks to a database says somewhere.
SPEAKS = ("sql", "postgre", "jdbc", "migrat", "database", "entity", "entities", "schema", "persist", "transaction",
           "active_record", "activerecord", "mutation", "delete_where", "deletewhere", ".where(", ":where")  # fmt: skip
CONTEXT_CLUES = ("pg", "orm", "db", "dao", "repo", "quer", "where", "table(")  # one stands in all that follows
CONTEXT = re.compile(
    r"(?<![a-z])(?:pg|orm|db|dao)(?![a-z])|(?<![a-z])repo(?:sitor)?|(?<!j)quer(?:y|ies)|"
    r"(?<![a-z])where\w{0,12}\s*[({[]|table\(\s*['\"]"
)
# Stores that are no PostgreSQL, and frames: their tables, rows and collections are removed by the same words.
_OTHERS = """
dexie indexeddb indexed_db pouchdb mongo dynamo firestore firebase elasticsearch opensearch neo4j bigquery cassandra
scylla hbase realm localforage memcache redis :ets mnesia pyspark polars pandas client-go controller-runtime kubernetes
k8s kafka rabbit localstorage airtable clickhouse snowflake mysql mariadb sqlite sqlserver mssql oracle duckdb leveldb
rocksdb badger bolt
"""
OTHER_STORES = tuple(_OTHERS.split())
POSTGRES = re.compile(
    r"(?i)postgre|psycopg|asyncpg|npgsql|\bpgx?\b|libpq|\bpq['\"]|migrat|\borm\b|jdbc|\becto\b|entit(?:y|ies)|repositor"
)


def any_of(words: tuple[str, ...], lowered: str) -> bool:
    return any(each in lowered for each in words)
