-- +goose Up

-- Bearer tokens of the API. hash is the SHA-256 of the token, which itself is kept
-- nowhere.
CREATE TABLE access_token (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'installer', 'admin')),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used  INTEGER
) STRICT, WITHOUT ROWID;
