-- Refunds by line: how many units of each line were refunded, whether shipping was, and how many units of each sale
-- were put back where they came from. What was refunded before has no units of its own, and nothing is left of it.

alter table holdfast.order_lines
  add column refunded_quantity integer not null default 0,
  add constraint no_more_is_refunded_than_was_sold check (refunded_quantity between 0 and quantity);

alter table holdfast.orders
  -- With its tax; once it was named, whatever amount was given back for it.
  add column shipping_refunded boolean not null default false,
  add constraint shipping_is_refunded_with_money check (not shipping_refunded or refunded_minor > 0);

alter table holdfast.stock_reservations
  -- What of a sale stands in its warehouse again. What was back-ordered came from none.
  add column restocked bigint not null default 0,
  add constraint no_more_is_restocked_than_was_sold check (
    restocked = 0 or (restocked between 1 and quantity and state = 'committed' and location_id is not null));
