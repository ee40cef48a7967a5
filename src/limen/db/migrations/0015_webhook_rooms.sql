-- Each webhook is served by itself: what is due for it is found without looking at what waits for others.

create index webhook_deliveries_room on webhook_deliveries (project_id, webhook_id, status, due_at, number);

drop index webhook_deliveries_due;
