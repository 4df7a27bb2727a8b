-- Webhooks that were given up can be seen and tried again by hand, done ones are forgotten in time, and what was done by
-- hand is found by its checkout.

alter table holdfast.webhooks
  -- When somebody had it looked at again: three days count from then, else from when it came.
  add column retried_at timestamptz,
  -- Why the last look at its checkout came to nothing.
  add column last_error text;

-- In the order in which people read them: those of our checkouts first. Nothing is in it on the way of a payment.
create index webhooks_given_up on holdfast.webhooks ((checkout_id is null), received_at)
  where handled_at is null and look_at is null;
create index webhooks_to_forget on holdfast.webhooks (handled_at) where handled_at is not null;

create index actions_on_checkout on holdfast.admin_actions (checkout_id, at) where checkout_id is not null;
