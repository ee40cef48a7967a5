-- Who may look after a project: people with a role, and programs with a key. Keys and set-up links are stored as digests.

create table operators (
    project_id text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    role text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    created_by text /*bytes*/ not null,
    primary key (project_id, identity_id)
);

create table api_keys (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    digest text /*bytes*/ not null,
    name text not null,
    role text /*bytes*/ not null,
    hint text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    created_by text /*bytes*/ not null,
    expires_at text /*bytes*/,
    last_used_at text /*bytes*/,
    primary key (project_id, id)
);

create unique index api_keys_digest on api_keys (project_id, digest);

create table setup_links (
    project_id text /*bytes*/ not null,
    digest text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    primary key (project_id, digest)
);

create table bans (
    project_id text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    reason text not null,
    until text /*bytes*/,
    created_at text /*bytes*/ not null,
    created_by text /*bytes*/ not null,
    primary key (project_id, identity_id)
);

create index bans_until on bans (project_id, until);
