-- Browsers that are spared the second step for a while. `digest` is of the secret in the browser's cookie, `former` of the one
-- before: whoever still comes with that has a copy. `sessions.trusted_device` is the trusted browser that a session lives in.

create table trusted_devices (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    digest text /*bytes*/ not null,
    former text /*bytes*/ not null,
    name text not null,
    created_at text /*bytes*/ not null,
    used_at text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index trusted_devices_identity on trusted_devices (project_id, identity_id);

create index trusted_devices_expiry on trusted_devices (project_id, expires_at);

alter table sessions add column trusted_device text /*bytes*/;
