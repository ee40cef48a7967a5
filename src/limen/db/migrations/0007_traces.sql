-- Why steps of flows were refused, for a while; no secrets.

create table traces (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    request_id text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    trace text not null,
    primary key (project_id, id)
);

create index traces_request on traces (project_id, request_id);

create index traces_newest on traces (project_id, created_at, id);

create index traces_expiry on traces (project_id, expires_at);
