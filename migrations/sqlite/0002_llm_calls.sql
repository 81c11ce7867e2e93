-- One row for each model call that ended. Written in batches, off the request path; no index but the time, since
-- every further one makes the writing several times dearer.

CREATE TABLE llm_calls (
    id            INTEGER PRIMARY KEY,          -- in the order of writing
    ended_at_ms   BIGINT  NOT NULL,
    call_id       TEXT,
    model         TEXT    NOT NULL,             -- provider/model
    model_group   TEXT,                         -- the name that was asked for; NULL: the model's own
    deployment    TEXT,                         -- an entry of the model list
    path          TEXT    NOT NULL,             -- unified, legacy, demo, none
    principal     TEXT,
    debate        TEXT,
    turn          TEXT,
    tags          TEXT,                         -- JSON list; NULL: none
    stream        INTEGER NOT NULL,
    error         TEXT,                         -- the class of the failure; NULL: it went well
    status        INTEGER,                      -- the upstream's, when it failed with one
    attempts      INTEGER NOT NULL,
    fallbacks     INTEGER NOT NULL DEFAULT 0,
    input         BIGINT  NOT NULL,             -- tokens in disjoint buckets
    cache_read    BIGINT  NOT NULL,
    cache_write   BIGINT  NOT NULL DEFAULT 0,
    output        BIGINT  NOT NULL,
    reasoning     BIGINT  NOT NULL,
    audio_in      BIGINT  NOT NULL DEFAULT 0,
    audio_out     BIGINT  NOT NULL DEFAULT 0,
    billed_input  BIGINT,                       -- where the provider bills other than it counts
    billed_output BIGINT,
    estimated     INTEGER NOT NULL DEFAULT 0,   -- 1: the provider told nothing
    cost_nanousd  BIGINT,                       -- NULL: the price is not known
    ttft_ms       BIGINT,
    total_ms      BIGINT  NOT NULL,
    started_at_ms BIGINT GENERATED ALWAYS AS (ended_at_ms - total_ms) VIRTUAL,
    overhead_us   BIGINT  NOT NULL,
    dropped       TEXT                          -- JSON list of parameters that were lost; NULL: none
);

CREATE INDEX llm_calls_by_time ON llm_calls (ended_at_ms);
