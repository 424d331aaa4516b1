"""The ways back that the analysis knows, each with the words that a page says for it."""

WAYS_BACK = {
    "pitr": "point-in-time recovery",
    "managed_service": "the service's own restore",
    "backup": "restore of a backup",
    "standby": "a copy from a standby",
    "dead_rows": "reading deleted rows still in the table",
    "wal": "reading rows out of the WAL (the server's change log)",
    "row_security": "changing the row security policy",
    "search_path": "correcting the search_path",
    "undo_update": "taking the mark away",
    "attach": "attaching the partition again",
    "rename_back": "renaming the table back",
    "log_replay": "replaying statements from the log",
    "volume_copy": "the old volume",
    "reload_sources": "importing again from the sources",
}


def way_back(option: object) -> str:
    """The words for one way back; a word that is not known stands for itself.

    >>> way_back("pitr"), way_back("new_trick")
    ('point-in-time recovery', 'new trick')
    """
    return WAYS_BACK.get(str(option), str(option).replace("_", " "))
