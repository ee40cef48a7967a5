-- Entries of the audit log are found by the request they belong to, and counted: how often each thing happened in each hour,
-- as far as it is sealed. Who counts counts the few that are not sealed yet besides.

create index audit_request on audit (project_id, request_id, at, id) where request_id <> '';

create table audit_hours (
    project_id text /*bytes*/ not null,
    action text /*bytes*/ not null,
    hour text /*bytes*/ not null,
    times bigint not null,
    primary key (project_id, action, hour)
) /*clustered*/;

insert into audit_hours (project_id, action, hour, times)
select project_id, action, substr(at, 1, 13), count(*) from audit
 where number is not null group by project_id, action, substr(at, 1, 13);
