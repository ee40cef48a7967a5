-- The audit log. An entry is written in the transaction of what it records; `number` and `seal` come a moment later, when it
-- is chained to the entry before it. `audit_heads` has the end of a project's chain, and where a pruned one begins.

create table audit (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    at text /*bytes*/ not null,
    action text /*bytes*/ not null,
    outcome text /*bytes*/ not null,
    actor text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    email text /*bytes*/ not null,
    ip_address text /*bytes*/ not null,
    user_agent text not null,
    request_id text /*bytes*/ not null,
    method text /*bytes*/ not null,
    detail text not null,
    number bigint,
    seal text /*bytes*/,
    primary key (project_id, id)
);

create index audit_newest on audit (project_id, at, id);

create index audit_action on audit (project_id, action, at, id);

create index audit_identity on audit (project_id, identity_id, at, id) where identity_id <> '';

create index audit_email on audit (project_id, email, at, id) where email <> '';

create unique index audit_number on audit (project_id, number) where number is not null;

create index audit_unsealed on audit (project_id, at, id) where number is null;

create table audit_heads (
    project_id text /*bytes*/ primary key,
    number bigint not null,
    seal text /*bytes*/ not null,
    pruned_number bigint not null,
    pruned_seal text /*bytes*/ not null
);
