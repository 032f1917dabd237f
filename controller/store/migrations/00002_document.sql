-- +goose Up

-- Small records that other parts keep whole: chargers' credentials (hashes only) and
-- certificates. The body is JSON of the part that owns the kind.
CREATE TABLE document (
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    body    TEXT NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
