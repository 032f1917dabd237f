-- +goose Up

-- The one row of running totals. next_tx is the first transaction id never given to
-- anyone; ran_ms is how long the box has run, the clock of retention.
CREATE TABLE ledger (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    next_tx      INTEGER NOT NULL,
    started      INTEGER NOT NULL DEFAULT 0,
    delivered    INTEGER NOT NULL DEFAULT 0,
    delivered_wh INTEGER NOT NULL DEFAULT 0,
    ran_ms       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE slot (
    slot         INTEGER PRIMARY KEY,
    up_evse      INTEGER NOT NULL,
    up_connector INTEGER NOT NULL,
    station      TEXT NOT NULL,
    connector    INTEGER NOT NULL,
    state        TEXT NOT NULL,
    epoch        INTEGER NOT NULL
) STRICT;

CREATE TABLE station (
    station            TEXT PRIMARY KEY,
    protocol           TEXT NOT NULL,
    vendor             TEXT NOT NULL,
    model              TEXT NOT NULL,
    serial             TEXT NOT NULL,
    firmware           TEXT NOT NULL,
    meter_serial       TEXT NOT NULL,
    meter_type         TEXT NOT NULL,
    failsafe_installed INTEGER NOT NULL,
    last_seen          INTEGER
) STRICT, WITHOUT ROWID;

-- A transaction. sum covers the columns before it; up_tx comes from the cloud, is
-- written by a settlement only, and has up_sum. updated is the box's own clock.
CREATE TABLE tx (
    tx             INTEGER PRIMARY KEY,
    slot           INTEGER NOT NULL,
    station        TEXT NOT NULL,
    connector      INTEGER NOT NULL,
    charger_tx     TEXT NOT NULL,
    token          TEXT NOT NULL,
    token_type     TEXT NOT NULL,
    meter_start    INTEGER NOT NULL,
    started_at     INTEGER,
    start_text     TEXT NOT NULL,
    message_id     TEXT NOT NULL,
    rule           TEXT NOT NULL,
    reservation_id INTEGER,
    ended          INTEGER NOT NULL,
    meter_stop     INTEGER NOT NULL,
    stopped_at     INTEGER,
    stop_text      TEXT NOT NULL,
    reason         TEXT NOT NULL,
    synthetic      INTEGER NOT NULL,
    last_register  INTEGER NOT NULL,
    last_sample_at INTEGER,
    sum            BLOB NOT NULL,
    up_tx          TEXT NOT NULL DEFAULT '',
    up_sum         BLOB,
    start_done     INTEGER NOT NULL DEFAULT 0,
    stop_done      INTEGER NOT NULL DEFAULT 0,
    updated        INTEGER NOT NULL
) STRICT;

CREATE INDEX tx_unfinished ON tx (tx) WHERE ended = 0 OR stop_done = 0;
CREATE INDEX tx_updated ON tx (updated);

-- +goose StatementBegin
CREATE TRIGGER tx_counted AFTER INSERT ON tx
BEGIN
    UPDATE ledger SET started = started + 1, next_tx = max(next_tx, NEW.tx + 1);
END;
-- +goose StatementEnd

-- A lane is the queue of one transaction. head is its first row still to be
-- delivered, tail the checksum of its newest row, pending what is not acknowledged
-- (damaged rows too), settled_run the ledger's ran_ms at its last delivery once the
-- transaction's end was delivered: an index over running ones would change with every
-- sample, and each page that changes wears the memory.
CREATE TABLE lane (
    tx          INTEGER PRIMARY KEY,
    token       TEXT NOT NULL,
    head        INTEGER,
    state       TEXT NOT NULL CHECK (state IN ('due', 'idle', 'parked')),
    pending     INTEGER NOT NULL,
    tail        BLOB NOT NULL,
    settled_run INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX lane_at_work ON lane (state, head, pending) WHERE state <> 'idle';
CREATE INDEX lane_token ON lane (token, head) WHERE state = 'due';
CREATE INDEX lane_idle ON lane (settled_run) WHERE state = 'idle' AND settled_run > 0;

-- sum covers prev (the sum of the row before it in its lane), the columns before it
-- and the id; wire_sum covers sum, message_id and wire.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    tx          INTEGER NOT NULL REFERENCES lane (tx),
    slot        INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    token       TEXT NOT NULL,
    at          INTEGER,
    body        BLOB NOT NULL,
    prev        BLOB NOT NULL,
    sum         BLOB NOT NULL,
    state       TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'sent', 'delivered', 'damaged')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    err         TEXT NOT NULL DEFAULT '',
    message_id  TEXT NOT NULL DEFAULT '',
    wire        BLOB,
    wire_sum    BLOB,
    packed_with INTEGER,
    settled_at  INTEGER
) STRICT;

CREATE INDEX outbox_tx ON outbox (tx);
CREATE INDEX outbox_packed ON outbox (packed_with) WHERE packed_with IS NOT NULL;
CREATE INDEX outbox_damaged ON outbox (tx) WHERE state = 'damaged';

CREATE TABLE token (
    key     TEXT NOT NULL,
    type    TEXT NOT NULL,
    value   TEXT NOT NULL,
    status  TEXT NOT NULL,
    parent  TEXT NOT NULL,
    expiry  INTEGER,
    updated INTEGER,
    PRIMARY KEY (key, type)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_updated ON token (updated);

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE status (
    slot              INTEGER PRIMARY KEY,
    status            TEXT NOT NULL,
    error_code        TEXT NOT NULL,
    vendor_error_code TEXT NOT NULL,
    vendor_id         TEXT NOT NULL,
    info              TEXT NOT NULL,
    at                INTEGER
) STRICT;

CREATE TABLE profile (
    slot INTEGER NOT NULL,
    id   INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (slot, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER,
    severity TEXT NOT NULL,
    code     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    text     TEXT NOT NULL
) STRICT;
