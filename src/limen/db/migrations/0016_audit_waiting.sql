-- What is on the record but not sealed yet has a table of its own, in the order it was written in: a sign-in adds to the end
-- of one table, and the indexes of the log are kept up by the sealing, many entries at once.

create table audit_waiting (
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
    primary key (project_id, id)
) /*clustered*/;

insert into audit_waiting (project_id, id, at, action, outcome, actor, identity_id, email, ip_address, user_agent,
                                    request_id, method, detail)
select project_id, id, at, action, outcome, actor, identity_id, email, ip_address, user_agent, request_id, method, detail
  from audit where number is null;

delete from audit where number is null;

drop index audit_unsealed;
