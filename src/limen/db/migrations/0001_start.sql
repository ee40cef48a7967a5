-- What the main job needs: projects, people, sessions, flows, one-time proofs, messages, page errors.
-- Ids are UUID text, times RFC 3339 UTC text of one width, flags 0 or 1; JSON is written whole and never queried inside.
-- Every table starts its keys with project_id.

create table projects (
    id text /*bytes*/ primary key,
    slug text /*bytes*/ not null unique,
    name text not null,
    created_at text /*bytes*/ not null
);

-- `public` is the identity as it is sent, but for schema_url; `credentials` and `metadata_admin` never leave with it.
create table identities (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    version integer not null,
    schema_id text not null,
    state text not null,
    available_aal text not null,
    external_id text /*bytes*/,
    organization_id text /*bytes*/,
    created_at text /*bytes*/ not null,
    updated_at text /*bytes*/ not null,
    public text not null,
    metadata_admin text,
    credentials text not null,
    primary key (project_id, id)
);

create unique index identities_external on identities (project_id, external_id);

create index identities_organization on identities (project_id, organization_id);

-- Who an identifier belongs to: the truth is in identities.credentials, this finds it and keeps it unique.
create table identifiers (
    project_id text /*bytes*/ not null,
    type text /*bytes*/ not null,
    identifier text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    primary key (project_id, type, identifier)
);

create index identifiers_any on identifiers (project_id, identifier);

create index identifiers_identity on identifiers (project_id, identity_id);

-- Who an address belongs to (kind: verifiable, recovery), likewise.
create table addresses (
    project_id text /*bytes*/ not null,
    kind text /*bytes*/ not null,
    via text /*bytes*/ not null,
    value text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    primary key (project_id, kind, via, value)
);

create index addresses_identity on addresses (project_id, identity_id);

-- `public` is the session as it is sent, without its identity; the token is stored as a digest only.
create table sessions (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    token_digest text /*bytes*/ not null,
    active integer not null,
    aal text not null,
    created_at text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    public text not null,
    primary key (project_id, token_digest)
);

create unique index sessions_id on sessions (project_id, id);

create index sessions_identity on sessions (project_id, identity_id, created_at);

create index sessions_newest on sessions (project_id, created_at, id);

-- `version` makes the second of two submits lose; `submits` counts the codes that were tried.
create table flows (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    kind text /*bytes*/ not null,
    version integer not null,
    submits integer not null default 0,
    expires_at text /*bytes*/ not null,
    document text not null,
    primary key (project_id, id)
);

create index flows_expiry on flows (project_id, expires_at);

-- Codes and links: each good once, for one purpose, in one flow; stored as a keyed digest.
create table proofs (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    purpose text /*bytes*/ not null,
    flow_id text /*bytes*/ not null,
    digest text /*bytes*/ not null,
    identity_id text /*bytes*/,
    via text /*bytes*/ not null,
    address text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    used_at text /*bytes*/,
    primary key (project_id, id)
);

create index proofs_flow on proofs (project_id, flow_id, purpose);

create index proofs_digest on proofs (project_id, digest);

create index proofs_expiry on proofs (project_id, expires_at);

-- What a person was about to do when a fresh sign-in, or a provider, came in between. `payload` is sealed.
create table pauses (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    name text /*bytes*/ not null,
    flow_id text /*bytes*/ not null,
    identity_id text /*bytes*/,
    payload text not null,
    expires_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index pauses_expiry on pauses (project_id, expires_at);

-- The outbox. A worker leases a message by writing `leased_until`; when it dies, the lease runs out.
create table messages (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    status text /*bytes*/ not null,
    channel text not null,
    recipient text /*bytes*/ not null,
    template text not null,
    subject text not null,
    body text not null,
    html text not null,
    data text not null,
    send_count integer not null,
    due_at text /*bytes*/ not null,
    leased_until text /*bytes*/,
    created_at text /*bytes*/ not null,
    updated_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index messages_due on messages (project_id, status, due_at);

create index messages_newest on messages (project_id, created_at, id);

create index messages_recipient on messages (project_id, recipient, created_at);

create table dispatches (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    message_id text /*bytes*/ not null,
    status text not null,
    error text,
    created_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index dispatches_message on dispatches (project_id, message_id, created_at);

-- What went wrong for a page, to be shown on the error page.
create table page_errors (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    error text not null,
    primary key (project_id, id)
);

create index page_errors_age on page_errors (project_id, created_at);
