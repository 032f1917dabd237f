-- +goose Up

-- Currents are mA on the connector's own L1..L3, phases the set that was given;
-- power (W) and energy (Wh) are NULL and soc is -1 where not given. raw is the
-- element byte-exact.
CREATE TABLE sample (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER,
    slot   INTEGER NOT NULL,
    tx     INTEGER NOT NULL,
    power  INTEGER,
    energy INTEGER,
    soc    INTEGER NOT NULL,
    l1     INTEGER NOT NULL,
    l2     INTEGER NOT NULL,
    l3     INTEGER NOT NULL,
    phases INTEGER NOT NULL,
    raw    BLOB
) STRICT;

CREATE INDEX sample_tx ON sample (tx) WHERE tx <> 0;
CREATE INDEX sample_slot ON sample (slot, at);
