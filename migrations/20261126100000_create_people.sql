-- People, the organizations they act for, and how they prove who they are.

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    -- As typed, for writing to; compared by its lower-case form.
    email text NOT NULL CHECK (length(email) <= 254),
    name text NOT NULL CHECK (length(name) <= 100),
    locale text NOT NULL,
    -- argon2id, PHC string. Absent only after the account was deleted.
    password_hash text,
    email_confirmed_at timestamptz,
    -- Downloads pause for a day after either of these.
    password_changed_at timestamptz NOT NULL,
    email_changed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- The account whose own organization this is; it cannot be left or handed over.
    personal_of uuid UNIQUE REFERENCES accounts,
    -- How many servers it may have or be waiting for at once.
    server_limit integer NOT NULL CHECK (server_limit >= 0),
    created_at timestamptz NOT NULL,
    -- The row stays: its past servers and the audit log name it. Nobody is a member any more.
    deleted_at timestamptz,
    version bigint NOT NULL DEFAULT 1
);

CREATE TABLE memberships (
    organization_id uuid NOT NULL REFERENCES organizations,
    account_id uuid NOT NULL REFERENCES accounts,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'moderator', 'billing')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX memberships_account ON memberships (account_id);

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    email text NOT NULL CHECK (length(email) <= 254),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'moderator', 'billing')),
    -- SHA-256 of the secret in the mailed link.
    secret_hash bytea NOT NULL UNIQUE,
    invited_by uuid NOT NULL REFERENCES accounts,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX invitations_organization ON invitations (organization_id);
CREATE UNIQUE INDEX invitations_open ON invitations (organization_id, lower(email))
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- Links sent by mail that prove who reads an address.
CREATE TABLE mail_links (
    -- SHA-256 of the secret in the link.
    secret_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts,
    purpose text NOT NULL CHECK (purpose IN ('confirm', 'reset', 'change')),
    -- The address that becomes the account's, with purpose `change`.
    new_email text CHECK (length(new_email) <= 254),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX mail_links_account ON mail_links (account_id, purpose);

CREATE TABLE sessions (
    -- For showing and revoking; the cookie holds another secret.
    id uuid PRIMARY KEY,
    -- SHA-256 of the cookie's secret.
    secret_hash bytea NOT NULL UNIQUE,
    account_id uuid NOT NULL REFERENCES accounts,
    user_agent text NOT NULL CHECK (length(user_agent) <= 300),
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    -- Written at most once in five minutes.
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Until when what hurts is allowed without the password.
    confirmed_until timestamptz,
    revoked_at timestamptz
);
CREATE INDEX sessions_account ON sessions (account_id) WHERE revoked_at IS NULL;

CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    -- Whose rights it carries; never more than theirs.
    account_id uuid NOT NULL REFERENCES accounts,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- The first characters, for recognising it in a list.
    hint text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_tokens_organization ON api_tokens (organization_id);

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    email text NOT NULL CHECK (length(email) <= 254),
    name text NOT NULL CHECK (length(name) <= 100),
    password_hash text NOT NULL,
    -- The TOTP secret, sealed with the platform's key.
    totp_sealed bytea NOT NULL,
    -- The last time step that was used, so that a code works once.
    totp_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE UNIQUE INDEX staff_email ON staff (lower(email));

CREATE TABLE staff_sessions (
    id uuid PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    staff_id uuid NOT NULL REFERENCES staff,
    user_agent text NOT NULL CHECK (length(user_agent) <= 300),
    address text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id) WHERE revoked_at IS NULL;

-- The texts people agree to. Content is in the web folder; here is which version is asked for since when.
CREATE TABLE terms (
    kind text NOT NULL CHECK (kind IN ('terms', 'processing')),
    version text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (kind, version)
);

CREATE TABLE accepted_terms (
    account_id uuid NOT NULL REFERENCES accounts,
    kind text NOT NULL,
    version text NOT NULL,
    accepted_at timestamptz NOT NULL,
    address text NOT NULL,
    PRIMARY KEY (account_id, kind, version),
    FOREIGN KEY (kind, version) REFERENCES terms (kind, version)
);

-- Token buckets for what must be limited across replicas: log-in, mails, orders.
CREATE TABLE rate_limits (
    -- `login:ip:…`, `login:account:…`, `mail:…`, `order:…`
    key text PRIMARY KEY CHECK (length(key) <= 200),
    tokens double precision NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_updated ON rate_limits (updated_at);
