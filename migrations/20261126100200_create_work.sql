-- What is to be done, and what has happened.

-- The only runnable queue. `kind` says what is done, the ids say to what; a run re-reads everything.
CREATE TABLE operations (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    organization_id uuid REFERENCES organizations,
    instance_id uuid REFERENCES instances,
    -- The row the kind is about, when it is not the instance: an export, an account change.
    subject_id uuid,
    -- One runs at a time for each key: the instance's id as a rule.
    concurrency_key text NOT NULL,
    -- Which foreign system it waits for, and in which cell; each has its own share of the workers.
    dependency text NOT NULL CHECK (dependency IN ('cluster', 'store', 'none')),
    cell_id uuid REFERENCES cells,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    step text NOT NULL DEFAULT '',
    percent smallint NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    attempt integer NOT NULL DEFAULT 0,
    -- Why it waits or failed: a stable word, and a sentence.
    reason text NOT NULL DEFAULT '',
    message text NOT NULL DEFAULT '',
    log jsonb NOT NULL DEFAULT '[]',
    -- Who asked: `account:…`, `staff:…`, `system`.
    requested_by text NOT NULL,
    -- The revision whose observation ends it.
    revision bigint,
    cancel_asked boolean NOT NULL DEFAULT false,
    -- News came while a worker had it: waiting for them would be in vain.
    woken boolean NOT NULL DEFAULT false,
    -- Not before; the end of the lease while it runs, so that one index finds all that can be taken up.
    run_at timestamptz NOT NULL,
    lease_until timestamptz,
    -- +1 for each claim. A writer with an older one is a worker that was thought dead.
    fence bigint NOT NULL DEFAULT 0,
    alarmed_at timestamptz,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz
);
-- One claim reads this index and nothing else.
CREATE INDEX operations_runnable ON operations (run_at, id) WHERE state IN ('queued', 'running', 'waiting');
-- Two workers that look at once cannot both begin: the second one is refused here.
CREATE UNIQUE INDEX operations_running ON operations (concurrency_key) WHERE state = 'running';
CREATE INDEX operations_instance ON operations (instance_id, created_at DESC);
CREATE INDEX operations_organization ON operations (organization_id, id DESC);
CREATE INDEX operations_subject ON operations (subject_id);
CREATE INDEX operations_dead ON operations (finished_at) WHERE state = 'failed';
CREATE INDEX operations_finished ON operations (finished_at) WHERE state IN ('succeeded', 'cancelled');

-- The ordered log of facts: mail, live pages and audit read it. Written in the transaction of what it tells.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The writing transaction, so that readers stop before one that is still open.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    topic text NOT NULL,
    organization_id uuid,
    instance_id uuid,
    operation_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);
CREATE INDEX outbox_organization ON outbox (organization_id, seq);
CREATE INDEX outbox_created ON outbox (created_at);

-- How far each reader has come.
CREATE TABLE outbox_readers (
    reader text PRIMARY KEY,
    seq bigint NOT NULL
);

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    -- Kept over retries, so that a receiver can drop a repeat.
    message_id text NOT NULL UNIQUE,
    template text NOT NULL,
    locale text NOT NULL,
    recipient text NOT NULL CHECK (length(recipient) <= 254),
    account_id uuid REFERENCES accounts,
    -- What the template needs. Secret links are sealed and cleared once the mail is out.
    arguments jsonb NOT NULL,
    sealed bytea,
    state text NOT NULL CHECK (state IN ('queued', 'sent', 'failed')),
    attempt integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL,
    lease_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    error text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz
);
CREATE INDEX mails_queued ON mails (run_at, id) WHERE state = 'queued';
CREATE INDEX mails_finished ON mails (created_at) WHERE state <> 'queued';

-- Answers that were given to requests with an Idempotency-Key; kept for a day.
CREATE TABLE idempotency_keys (
    -- The caller and the key: `token:…/KEY`.
    key text PRIMARY KEY CHECK (length(key) <= 400),
    request_hash bytea NOT NULL,
    -- Null while the first request is being answered.
    status smallint,
    body bytea,
    headers jsonb,
    created_at timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- Who did what to whom. Nothing is ever changed or removed here.
CREATE TABLE audit (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    -- `account:…`, `staff:…`, `token:…`, `system`
    actor text NOT NULL,
    actor_name text NOT NULL,
    organization_id uuid,
    instance_id uuid,
    -- `instance.pause`, `member.invite`, …
    action text NOT NULL,
    -- What it was done to, when it is not the instance.
    subject text,
    reason text,
    detail jsonb NOT NULL DEFAULT '{}',
    address text,
    request_id text
);
CREATE INDEX audit_organization ON audit (organization_id, seq DESC);
CREATE INDEX audit_instance ON audit (instance_id, seq DESC);
CREATE INDEX audit_actor ON audit (actor, seq DESC);
CREATE INDEX audit_action ON audit (action, seq DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_keeps_rows BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_keeps_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who runs: workers tell that they are alive, so that staff see a missing one.
CREATE TABLE workers (
    name text PRIMARY KEY,
    version text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
