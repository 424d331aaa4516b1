# ruff: noqa: S608 statements made for the log
"""Lets a real server write one log in all of its formats while six sessions work.

python tests/benchmarks/log_write.py FOLDER "%m [%p] "
"""

import shutil
import sys
import threading
from pathlib import Path

import psycopg

from triage_kit.lab.server import Server

SETTINGS = {
    "logging_collector": True,
    "log_filename": "server.log",
    "log_destination": "stderr,csvlog,jsonlog",
    "log_statement": "all",
    "log_duration": True,
    "log_connections": True,
    "log_disconnections": True,
    "log_rotation_size": 0,
}


def work(server: Server, seed: int, rounds: int) -> None:
    """One session: mostly reads and bounded writes, noise words in values, now and then a costly statement."""
    with server.connect(autocommit=False) as connection:
        for at in range(rounds):
            key = (at * 7919 + seed) % 1000
            connection.execute(f"UPDATE accounts SET balance = balance + {at} WHERE id = {key}")
            connection.execute(f"SELECT balance FROM accounts WHERE id = {key}")
            connection.execute(f"INSERT INTO history (account, note) VALUES ({key}, 'button {at}')")
            if at % 25 == 0:
                connection.execute("INSERT INTO history (account, note) VALUES (%s, 'delete-button clicked')", (key,))
            connection.commit()
            if at % 200 == 199:
                connection.execute(f"DELETE FROM history\n\tWHERE account = {key}")
                connection.commit()
            if at % 400 == 399:
                try:
                    connection.execute("DELETE FROM nowhere")
                except psycopg.Error:
                    connection.rollback()


def generate(folder: Path, prefix: str) -> None:
    """server.log, server.csv and server.json in the folder."""
    with Server(SETTINGS | {"log_line_prefix": prefix}) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int DEFAULT 0)")
            connection.execute("CREATE TABLE history (account int, note text)")
            connection.execute("INSERT INTO accounts SELECT generate_series(0, 999)")
        threads = [threading.Thread(target=work, args=(server, seed, 1500)) for seed in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        server.stop()
        for name in ("server.log", "server.csv", "server.json"):
            shutil.copy(server.log_directory / name, folder / name)


if __name__ == "__main__":
    generate(Path(sys.argv[1]), sys.argv[2])
