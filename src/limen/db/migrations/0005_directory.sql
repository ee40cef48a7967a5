-- What people are found by. `directory` has a narrow row for each person, in the words of a search; `directory_words` finds
-- the person by a word or its beginning (see docs/decisions/0016). Both are written with the person, by identity/directory.py.
-- Both are kept in the order of age, in which they are mostly read: on SQLite a walk from the newest on reads page after page.

create table directory (
    project_id text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    last_login_at text /*bytes*/ not null default '',
    schema_id text /*bytes*/ not null,
    state text /*bytes*/ not null,
    verified integer not null,
    credentials text /*bytes*/ not null,
    words text /*bytes*/ not null,
    primary key (project_id, created_at, identity_id)
) /*clustered*/;

create unique index directory_person on directory (project_id, identity_id);

create index directory_login on directory (project_id, last_login_at, identity_id);

create table directory_words (
    project_id text /*bytes*/ not null,
    word text /*bytes*/ not null,
    created_at text /*bytes*/ not null,
    identity_id text /*bytes*/ not null,
    primary key (project_id, word, created_at, identity_id)
) /*clustered*/;

-- What one node does for all: nobody else does it before `leased_until`.
create table chores (
    project_id text /*bytes*/ not null,
    name text /*bytes*/ not null,
    leased_until text /*bytes*/ not null default '',
    done_at text /*bytes*/ not null default '',
    primary key (project_id, name)
);

create index sessions_expiry on sessions (project_id, expires_at);
