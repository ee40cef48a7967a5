-- Who wants to hear of what happens, and what they are to be told. `position` is the number of the last audit entry that was
-- looked at for a webhook; a delivery is one entry for one webhook, leased while it is attempted.

create table webhooks (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    url text not null,
    events text not null,
    secret text not null,
    position bigint not null,
    created_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create table webhook_deliveries (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    webhook_id text /*bytes*/ not null,
    number bigint not null,
    about text /*bytes*/ not null,
    event text /*bytes*/ not null,
    body text not null,
    status text /*bytes*/ not null,
    attempts integer not null,
    due_at text /*bytes*/ not null,
    leased_until text /*bytes*/ not null,
    last_error text not null,
    created_at text /*bytes*/ not null,
    updated_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index webhook_deliveries_due on webhook_deliveries (project_id, status, due_at);

create index webhook_deliveries_about on webhook_deliveries (project_id, webhook_id, about, status, number);

create index webhook_deliveries_newest on webhook_deliveries (project_id, created_at, id);
