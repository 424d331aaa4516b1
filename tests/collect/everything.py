"""All questions by name, and the roles that ask them."""

from triage_kit.collect.questions import QUESTIONS
from triage_kit.lab.server import Server

EVERY = tuple(question.name for question in QUESTIONS)


def made_roles(server: Server) -> dict[str, str]:
    with server.connect() as connection:
        for name, more in (("plain_role", ""), ("monitor_role", "IN ROLE pg_monitor")):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
                connection.execute(f"CREATE ROLE {name} LOGIN {more}")
    return {"plain": "plain_role", "pg_monitor": "monitor_role", "superuser": "postgres"}
