-- Templates of messages that operators saved, version by version: the newest of a template and a language is in force. `parts`
-- is JSON, the source of each part by its name; a version without any is the way back to the default. The language "" stands
-- for all of them.

create table message_templates (
    project_id text /*bytes*/ not null,
    template text /*bytes*/ not null,
    language text /*bytes*/ not null,
    version bigint not null,
    parts text not null,
    saved_at text /*bytes*/ not null,
    saved_by text not null,
    restored_from bigint,
    primary key (project_id, template, language, version)
);
