-- What is offered, ordered and runs.

CREATE TABLE offers (
    id uuid PRIMARY KEY,
    -- The same for all versions of an offer: `snac-small`.
    slug text NOT NULL CHECK (slug ~ '^[a-z][a-z0-9-]{0,39}$'),
    version integer NOT NULL CHECK (version >= 1),
    flavour text NOT NULL,
    size text NOT NULL,
    -- Shown to customers, one text per locale.
    names jsonb NOT NULL,
    descriptions jsonb NOT NULL,
    -- The version of the software that new servers get. Not part of what is agreed on: it moves within a version of the offer.
    software_version text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    tax text NOT NULL CHECK (tax IN ('inclusive', 'exclusive')),
    period text NOT NULL CHECK (period IN ('month', 'year')),
    -- Whether an order is carried out at once or waits for staff.
    approval text NOT NULL CHECK (approval IN ('none', 'staff')),
    created_at timestamptz NOT NULL,
    -- A retired offer cannot be ordered; servers that have it keep it.
    retired_at timestamptz,
    UNIQUE (slug, version)
);
CREATE UNIQUE INDEX offers_current ON offers (slug) WHERE retired_at IS NULL;

CREATE TABLE cells (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,39}$'),
    -- Which cluster it was at first contact. Writing to another one is refused.
    cluster_uid text,
    -- The zone whose names servers in it get.
    zone text NOT NULL,
    -- Whether new servers are placed there.
    open boolean NOT NULL DEFAULT true,
    -- Since when it has not been reached; null while it is.
    unreachable_since timestamptz,
    -- Why nothing is written to it until a person has looked: a stable word and a sentence.
    refused text CHECK (refused IN ('wrong-cluster', 'database-behind')),
    refused_message text,
    breaker text,
    seen_at timestamptz,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX cells_cluster ON cells (cluster_uid);

-- How many servers of a size a cell takes, and how many places are taken. Locked when a place is reserved.
CREATE TABLE cell_room (
    cell_id uuid NOT NULL REFERENCES cells,
    size text NOT NULL,
    places integer NOT NULL CHECK (places >= 0),
    taken integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    PRIMARY KEY (cell_id, size)
);

-- Each name there is or ever was. A name that was live is never free again.
CREATE TABLE hostnames (
    name text PRIMARY KEY CHECK (length(name) <= 253),
    state text NOT NULL CHECK (state IN ('held', 'live', 'retired')),
    organization_id uuid NOT NULL REFERENCES organizations,
    order_id uuid,
    instance_id uuid,
    -- When a held name becomes free again.
    held_until timestamptz,
    created_at timestamptz NOT NULL,
    CHECK ((state = 'held') = (held_until IS NOT NULL))
);
CREATE INDEX hostnames_held ON hostnames (held_until) WHERE state = 'held';
CREATE INDEX hostnames_organization ON hostnames (organization_id);

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    account_id uuid NOT NULL REFERENCES accounts,
    offer_id uuid NOT NULL REFERENCES offers,
    -- The offer's, for the waitlist.
    size text NOT NULL,
    hostname text NOT NULL,
    owner_handle text NOT NULL,
    owner_email text NOT NULL CHECK (length(owner_email) <= 254),
    -- What the customer confirmed.
    price_minor bigint NOT NULL,
    currency text NOT NULL,
    terms_version text NOT NULL,
    processing_version text NOT NULL,
    state text NOT NULL CHECK (state IN ('waitlisted', 'offered', 'approval', 'provisioning', 'done', 'declined', 'cancelled', 'expired', 'failed')),
    -- Why it is in this state, for the customer.
    reason text,
    -- The place in the waitlist: by time of joining.
    waiting_since timestamptz,
    -- Until when it stays as it is unless somebody acts: a place that is kept, an approval that is waited for, a failure that
    -- can be tried again.
    until timestamptz,
    cell_id uuid REFERENCES cells,
    instance_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX orders_organization ON orders (organization_id, id DESC);
CREATE INDEX orders_waiting ON orders (size, waiting_since, id) WHERE state = 'waitlisted';
CREATE INDEX orders_open ON orders (state, created_at) WHERE state IN ('offered', 'approval', 'provisioning', 'failed');
CREATE INDEX orders_until ON orders (until) WHERE state IN ('offered', 'approval', 'failed');

CREATE TABLE instances (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    cell_id uuid NOT NULL REFERENCES cells,
    offer_id uuid NOT NULL REFERENCES offers,
    order_id uuid REFERENCES orders,
    -- The name of its object in the cell, made from the id.
    object_name text NOT NULL UNIQUE,
    hostname text NOT NULL UNIQUE,
    flavour text NOT NULL,
    software_version text NOT NULL,
    size text NOT NULL,
    owner_handle text NOT NULL,
    owner_email text NOT NULL CHECK (length(owner_email) <= 254),
    title text CHECK (length(title) <= 100),
    description text CHECK (length(description) <= 500),
    contact_email text CHECK (length(contact_email) <= 254),
    export_recipient text,
    -- Money: what the subscription allows. One of domain's `Entitlement`s.
    entitlement text NOT NULL CHECK (entitlement IN ('full', 'read-only', 'none')),
    -- Set while it is being closed: when, and when its data may be destroyed.
    closing_at timestamptz,
    purge_after timestamptz,
    purged_at timestamptz,
    -- +1 for each wish that is written to the cell; never falls.
    revision bigint NOT NULL DEFAULT 0,
    -- What was seen last. The uid is that of the object in the cell.
    object_uid text,
    observed_revision bigint,
    observed_mode text,
    observed_digest bytea,
    conditions jsonb NOT NULL DEFAULT '[]',
    address text,
    -- The digest of the newest complete bundle and when it was made.
    last_export_digest text,
    last_export_at timestamptz,
    ready_at timestamptz,
    -- The owner's first password: our one-time key (sealed) and what the cell answered. Both go once it was shown.
    claim_key_sealed bytea,
    claim_answer text,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX instances_organization ON instances (organization_id, id DESC);
CREATE INDEX instances_cell ON instances (cell_id);
ALTER TABLE hostnames ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (instance_id) REFERENCES instances;
ALTER TABLE orders ADD FOREIGN KEY (instance_id) REFERENCES instances;

-- Why a server is stopped. Each is lifted by its own kind only.
CREATE TABLE holds (
    id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instances,
    kind text NOT NULL CHECK (kind IN ('staff', 'legal', 'customer', 'capacity')),
    -- For the owner to read.
    reason text NOT NULL CHECK (length(reason) <= 1000),
    placed_by text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    lifted_by text,
    lifted_at timestamptz
);
CREATE INDEX holds_instance ON holds (instance_id, since);
CREATE INDEX holds_ending ON holds (until) WHERE lifted_at IS NULL AND until IS NOT NULL;

CREATE TABLE exports (
    id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instances,
    operation_id uuid,
    object_name text NOT NULL UNIQUE,
    object_uid text,
    reason text NOT NULL CHECK (reason IN ('requested', 'nightly', 'final')),
    recipient text,
    phase text NOT NULL CHECK (phase IN ('pending', 'running', 'succeeded', 'failed')),
    message text NOT NULL DEFAULT '',
    -- How it goes, as the cell said last.
    work jsonb NOT NULL DEFAULT '{}',
    -- The bundle's own key on its way to whoever downloads: our one-time key (sealed) and what the cell answered to it.
    claim_key_sealed bytea,
    claim_answer text,
    prefix text,
    manifest_digest text,
    bytes bigint,
    parts integer,
    stopped_seconds integer,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    expired_at timestamptz,
    observed_digest bytea
);
CREATE INDEX exports_instance ON exports (instance_id, created_at DESC);

-- Permission to take a bundle away, given after the password was entered again: to one browser, for one bundle, for a while.
CREATE TABLE download_grants (
    id uuid PRIMARY KEY,
    export_id uuid NOT NULL REFERENCES exports,
    -- It ends with the log-in that it was given to.
    session_id uuid NOT NULL REFERENCES sessions,
    -- SHA-256 of the secret in the script that fetches all files; null when only the browser fetches.
    secret_hash bytea UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX download_grants_session ON download_grants (session_id, export_id);

-- Accounts on servers whose software has no sign-up, asked for from the dashboard.
CREATE TABLE account_changes (
    id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instances,
    operation_id uuid,
    object_name text NOT NULL UNIQUE,
    object_uid text,
    action text NOT NULL CHECK (action IN ('add', 'reset', 'remove')),
    handle text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('pending', 'running', 'succeeded', 'failed')),
    message text NOT NULL DEFAULT '',
    work jsonb NOT NULL DEFAULT '{}',
    claim_key_sealed bytea,
    claim_answer text,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    observed_digest bytea
);
CREATE INDEX account_changes_instance ON account_changes (instance_id, created_at DESC);

CREATE TABLE abuse_reports (
    id uuid PRIMARY KEY,
    hostname text NOT NULL CHECK (length(hostname) <= 253),
    instance_id uuid REFERENCES instances,
    reporter_email text NOT NULL CHECK (length(reporter_email) <= 254),
    reporter_locale text NOT NULL,
    category text NOT NULL CHECK (category IN ('illegal', 'harassment', 'spam', 'malware', 'copyright', 'other')),
    links text NOT NULL CHECK (length(links) <= 4000),
    text text NOT NULL CHECK (length(text) <= 10000),
    state text NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
    answer text,
    handled_by uuid REFERENCES staff,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX abuse_reports_open ON abuse_reports (created_at) WHERE state = 'open';
CREATE INDEX abuse_reports_instance ON abuse_reports (instance_id);
