-- Everything that stands on the tables: indexes, views, functions, a trigger, row security, comments, and what the proxy's role may do.

create index on public.orders (customer_id);

create index on public.addresses (customer_id);

create index on public.events (customer_id);

create index on billing.payments (order_id);

create index on support.messages (ticket_id);

create view public.customer_stats as
  select c.country, count(distinct c.id) as customers, count(o.id) as orders, sum(o.total) as revenue, round(avg(o.total), 2) as average_order
  from public.customers c join public.orders o on o.customer_id = c.id
  group by c.country having count(distinct c.id) >= 20;

create view public.customer_overview as
  select c.id, c.full_name, c.email, a.city, (select count(*) from public.orders o where o.customer_id = c.id) as orders
  from public.customers c left join public.addresses a on a.customer_id = c.id and a.kind = 'delivery';

create view hr.directory as
  select e.first_name || ' ' || e.last_name as name, d.name as department, e.work_email
  from hr.employees e join hr.departments d on d.id = e.department_id;

create view support.open_tickets with (security_barrier) as
  select t.id, t.subject, t.opened_at, c.full_name as customer
  from support.tickets t join public.customers c on c.id = t.customer_id where t.state = 'open';

create materialized view public.sales_by_month as
  select date_trunc('month', o.ordered_at at time zone 'UTC')::date as month, k.name as category, sum(i.quantity) as pieces, sum(i.quantity * i.unit_price) as revenue
  from public.orders o join public.order_items i on i.order_id = o.id join public.products p on p.id = i.product_id join public.categories k on k.id = p.category_id
  group by 1, 2;

create unique index on public.sales_by_month (month, category);

create function public.order_total(order_id int) returns numeric
  language sql stable
  as 'select amount from public.orders where id = $1';

create function public.customer_age(customer_id int) returns int
  language plpgsql stable
  as $$
declare
  born date;
begin
  select birth_date into born from public.customers where id = customer_id;
  return extract(year from age(date '2026-10-31', born))::int;
end
$$;

create function public.mask_pan(pan text) returns text
  language sql immutable
  as $$select repeat('*', length(pan) - 4) || right(pan, 4)$$;

create function public.orders_of(country text) returns setof public.orders
  language sql stable
  as 'select o.* from public.orders o join public.customers c on c.id = o.customer_id where c.country = $1';

create function public.count_of(relation text) returns bigint
  language plpgsql stable
  as $$
declare
  n bigint;
begin
  execute 'select count(*) from ' || relation into n;
  return n;
end
$$;

create function public.note_order_change() returns trigger
  language plpgsql
  as $$
begin
  new.updated_at := now();
  if new.status is distinct from old.status then
    insert into public.order_changes (order_id, old_status, new_status) values (new.id, old.status, new.status);
  end if;
  return new;
end
$$;

create trigger note_change before update on public.orders for each row execute function public.note_order_change();

alter table support.messages enable row level security;

create policy no_internal_notes on support.messages using (not internal) with check (not internal);

comment on schema health is 'The pharmacy counter. Special categories of personal data.';

comment on table public.customers is 'Everybody who ever bought something.';

comment on column public.customers.notes is 'Free text by the support team; can hold anything.';

comment on column billing.cards.pan is 'Card number in full, until the payment provider takes over.';

comment on table public.events is 'What visitors do, by month.';

comment on view public.customer_stats is 'Sums by country of twenty customers or more.';

comment on table legacy."Customer Data" is 'From the system before this one.';

grant usage on schema public, billing, health, hr, support, legacy to gate;

grant select, insert, update, delete, truncate, references, trigger on all tables in schema public, billing, health, hr, support, legacy to gate;

grant usage, select on all sequences in schema public, billing, health, hr, support, legacy to gate;

grant create on schema public to gate;

analyze;
