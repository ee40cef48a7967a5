-- Invitations to sign up: each for one address, good once, until a moment. The token of the link is stored as a digest.

create table invitations (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    email text /*bytes*/ not null,
    digest text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    created_by text /*bytes*/ not null,
    sent_at text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    revoked_at text /*bytes*/,
    accepted_at text /*bytes*/,
    identity_id text /*bytes*/,
    primary key (project_id, id)
);

create unique index invitations_digest on invitations (project_id, digest);

create index invitations_newest on invitations (project_id, created_at, id);
