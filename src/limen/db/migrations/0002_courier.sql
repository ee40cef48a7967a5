-- The words of a message are made when it is sent; `origin` is what is known of the request that caused it.
-- A courier tells now and then that it is there, so that `limen doctor` can say when none is.

alter table messages drop column subject;

alter table messages drop column body;

alter table messages drop column html;

alter table messages add column origin text not null default '{}';

create table couriers (
    project_id text /*bytes*/ not null,
    id text /*bytes*/ not null,
    seen_at text /*bytes*/ not null,
    primary key (project_id, id)
);
