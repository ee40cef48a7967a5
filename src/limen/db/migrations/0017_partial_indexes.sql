-- Most people have neither an external id nor an organization: they need no place in the indexes of those. People of one are
-- listed by id.

drop index identities_external;

create unique index identities_external on identities (project_id, external_id) where external_id is not null;

drop index identities_organization;

create index identities_organization on identities (project_id, organization_id, id) where organization_id is not null;
