-- Debates, who runs each, and the log that everything else derives from.

CREATE TABLE debates (
    id             TEXT    NOT NULL PRIMARY KEY,
    title          TEXT    NOT NULL,
    topic          TEXT    NOT NULL,
    format         TEXT    NOT NULL,
    members        TEXT    NOT NULL,            -- JSON list of "name (provider/model)"
    status         TEXT    NOT NULL,
    outcome        TEXT,
    verdict        TEXT,
    totals         TEXT    NOT NULL,            -- JSON
    created_at_ms  BIGINT  NOT NULL,
    updated_at_ms  BIGINT  NOT NULL,
    head_seq       BIGINT  NOT NULL,
    owner          TEXT,                        -- NULL: nobody runs it
    epoch          BIGINT  NOT NULL,            -- counts up with every claim: an older one can write nothing
    lease_until_ms BIGINT  NOT NULL,
    is_over        INTEGER NOT NULL
);

CREATE INDEX debates_to_claim ON debates (is_over, lease_until_ms);

CREATE TABLE events (
    debate   TEXT   NOT NULL REFERENCES debates (id) ON DELETE CASCADE,
    seq      BIGINT NOT NULL,
    at_ms    BIGINT NOT NULL,
    type     TEXT   NOT NULL,
    envelope TEXT   NOT NULL,                   -- JSON, as it is sent
    PRIMARY KEY (debate, seq)
);

CREATE TABLE idempotency (
    idempotency_key TEXT   NOT NULL PRIMARY KEY,
    body_hash       TEXT   NOT NULL,
    debate          TEXT   NOT NULL,
    created_at_ms   BIGINT NOT NULL
);

-- Settings that were made at run time and outlive a restart.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL                         -- JSON
);
