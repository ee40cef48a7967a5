-- Proofs die with the address they went to, and with the person.

create index proofs_identity on proofs (project_id, identity_id);
