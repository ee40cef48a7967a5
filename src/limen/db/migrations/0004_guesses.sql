-- Wrong passwords and codes, counted for each person and each network address; `blocked_until` is '' as long as there are few.

create table guesses (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    wrong integer not null,
    blocked_until text /*bytes*/ not null,
    expires_at text /*bytes*/ not null,
    primary key (project_id, id)
);

create index guesses_expiry on guesses (project_id, expires_at);
