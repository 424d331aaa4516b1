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
    wrapper text what stood around the server's own lines, the outermost first: json, cri, stamped, syslog, journal …
    foreign int lines of other programs in the same file
    repeated int entries that another file of the case holds too, counted there
    unknown int entries of no known kind
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
    kind text coarse class of the message: statement, duration, error, checkpoint_complete, crash, other …
    outcome text of a statement: failed, committed, rolled_back or unknown
    relation text database.schema.table of an autovacuum or autoanalyze line
    removed int tuples that autovacuum removed
    remain int tuples that remained after it
    buffers int that a checkpoint wrote
    sync_files int that a checkpoint synced
    subject text what the message is about, one of the subjects of parse.messages; missing when it is unknown
    parameters text values of $1, $2 … of a statement, as its DETAIL or CONTEXT has them

log_unparsed: one line that no prefix fits
    file text
    line int
    text text bounded
""")
