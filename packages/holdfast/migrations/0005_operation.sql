-- Operation: the record of actions that people took.

create table holdfast.admin_actions (
  id uuid primary key,
  action text not null,
  checkout_id uuid,
  actor text not null,
  details jsonb not null default '{}',
  at timestamptz not null default now()
);
create index actions_on_checkout on holdfast.admin_actions (checkout_id, at) where checkout_id is not null;
