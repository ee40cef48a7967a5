-- Sessions in which an operator acts as somebody else: the operator's own session, with which they end.

alter table sessions add column impersonator text /*bytes*/;

create index sessions_impersonator on sessions (project_id, impersonator) where impersonator is not null;
