"""Evidence that log files hold."""

from triage_kit.schemas import tables

TABLES = tables("""
log_sources: one log file that was read, or tried
    file text path as the case writes it, never absolute
    format text stderr, csv or json
    prefix text log_line_prefix that it was read with
    prefix_from text server, case or inferred
    bytes int
    lines int
    entries int
    unparsed int lines that fit nothing
    left_out int ordinary entries that were read and counted, but not kept
    zones_unresolved int times whose zone abbreviation was unknown or ambiguous: log_timezone was used
    first_at time
    last_at time
    sha256 text

log_events: one entry of a log: a message with its DETAIL, HINT, STATEMENT and so on
    file text
    line int first line of the entry, from 1
    offset int byte of its beginning
    at time
    severity text LOG, ERROR, FATAL, PANIC, WARNING, NOTICE …
    sqlstate text
    pid int
    session text session id
    role text
    database text
    application text
    client text
    xid int
    message text
    detail text
    hint text
    context text
    statement text of an ERROR, or the text of a logged statement
    duration_ms float
    kind text class of the message, as parse.kinds names it: statement, duration, error, checkpoint_complete …
    outcome text of a statement: failed, committed, rolled_back or unknown
    relation text database.schema.table of an autovacuum or autoanalyze line
    removed int tuples that autovacuum removed
    remain int tuples that remained after it
    buffers int that a checkpoint wrote
    sync_files int that a checkpoint synced

log_unparsed: one line that no prefix fits
    file text
    line int
    text text bounded
""")
