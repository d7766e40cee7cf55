-- Rows, made by the server itself and the same on every machine: everything follows from a row's number.
-- pick(n, salt, size) is a number from 0 to size - 1 that looks random and never changes.

set timezone = 'UTC';

create function pg_temp.pick(n bigint, salt int, size int) returns int
  language sql immutable parallel safe
  as 'select ((hashint8extended($1, $2) % $3 + $3) % $3)::int';

create function pg_temp.first_name(n int) returns text
  language sql immutable
  as $$select (array['Ana','Ben','Carla','Deniz','Emil','Fatima','Goran','Hana','Ivo','Jana','Karim','Lena','Mio','Nora','Oskar','Pia','Quentin','Rosa','Sami','Tilda','Uma','Viktor','Wanda','Xenia','Yusuf','Zoe'])[1 + pg_temp.pick(n, 1, 26)]$$;

create function pg_temp.last_name(n int) returns text
  language sql immutable
  as $$select (array['Sample','Mock','Dummy','Fiction','Pretend','Invent','Madeup','Nobody','Example','Stand','Imagin','Fable'])[1 + pg_temp.pick(n, 2, 12)] || (array['sen','er','wood','stein','ini','ova','man','berg','field','etti'])[1 + pg_temp.pick(n, 3, 10)]$$;

create function pg_temp.country(n int) returns text
  language sql immutable
  as $$select (array['DE','DE','DE','FR','FR','AT','CH','NL','PL','ES','IT','SE'])[1 + pg_temp.pick(n, 4, 12)]$$;

create function pg_temp.moment(n bigint, salt int) returns timestamptz
  language sql immutable
  as $$select timestamptz '2026-07-01 00:00+00' + pg_temp.pick(n, salt, 123 * 86400) * interval '1 second'$$;

create function pg_temp.luhn(digits text) returns text
  language sql immutable
  as $$select $1 || ((10 - sum(case when i % 2 = 1 then d * 2 - case when d > 4 then 9 else 0 end else d end) % 10) % 10)::text
    from (select i, substr($1, i, 1)::int as d from generate_series(1, length($1)) i) s$$;

create function pg_temp.iban(n int) returns text
  language sql immutable
  as $$select 'DE' || lpad((98 - (bban || '131400')::numeric % 97)::text, 2, '0') || bban
    from (select '00000000' || lpad(n::text, 10, '0') as bban) s$$;

insert into public.customers (id, first_name, last_name, email, phone, birth_date, country, marketing_consent, notes, created_at)
  select n, pg_temp.first_name(n), pg_temp.last_name(n),
    lower(pg_temp.first_name(n) || '.' || pg_temp.last_name(n)) || n || '@example.' || (array['com','org','net'])[1 + n % 3],
    '+1-' || (200 + pg_temp.pick(n, 5, 700)) || '-555-01' || lpad(pg_temp.pick(n, 6, 100)::text, 2, '0'),
    date '1940-01-01' + pg_temp.pick(n, 7, 24000), pg_temp.country(n), pg_temp.pick(n, 8, 3) = 0,
    case pg_temp.pick(n, 9, 12) when 0 then 'Called about a late parcel, was friendly.' when 1 then 'Allergic to nuts, ask before substituting.'
      when 2 then 'Prefers to be called after six.' when 3 then 'Neighbour takes parcels: flat ' || n % 40 else null end,
    timestamptz '2024-01-01 00:00+00' + pg_temp.pick(n, 10, 900) * interval '1 day'
  from generate_series(1, 8000) n;

insert into public.addresses
  select n, 1 + (n - 1) % 8000, case when n <= 8000 then 'delivery' else 'invoice' end,
    (array['Invented Street','Placeholder Lane','Sample Road','Mockup Square','Dummy Alley'])[1 + pg_temp.pick(n, 11, 5)] || ' ' || 1 + pg_temp.pick(n, 12, 180),
    lpad(pg_temp.pick(n, 13, 99999)::text, 5, '0'),
    (array['Nowhere','Exampletown','Fictionville','Pretend Harbour','Madeup Springs','Lorem','Ipsum'])[1 + pg_temp.pick(n, 14, 7)],
    pg_temp.country(1 + (n - 1) % 8000)
  from generate_series(1, 10000) n;

insert into public.categories
  select n, (array['Books','Kitchen','Garden','Pharmacy','Toys','Tea','Cookware','Knives','Seeds','Tools','Vitamins','First aid'])[n],
    case when n > 6 then 1 + (n - 1) / 2 - 2 end
  from generate_series(1, 12) n;

insert into public.products
  select n, 'SKU-' || lpad(n::text, 5, '0'),
    (array['Blue','Quiet','Folding','Northern','Tiny','Everyday','Copper','Second'])[1 + pg_temp.pick(n, 15, 8)] || ' '
      || (array['kettle','lamp','notebook','trowel','ointment','puzzle','teapot','pan','whistle','basket'])[1 + pg_temp.pick(n, 16, 10)] || ' ' || n,
    1 + pg_temp.pick(n, 17, 12), 3 + pg_temp.pick(n, 18, 19700) / 100.0, 1 + pg_temp.pick(n, 18, 11000) / 100.0,
    jsonb_build_object('colour', (array['red','blue','green'])[1 + n % 3], 'grams', 50 + pg_temp.pick(n, 19, 4000)),
    case when n % 5 = 0 then array['new', 'gift'] when n % 7 = 0 then array['sale'] else '{}' end, n % 23 <> 0
  from generate_series(1, 600) n;

insert into public.orders (id, customer_id, address_id, status, shipping, gift_message, ordered_at, updated_at)
  select n, c, c, (array['new','paid','shipped','delivered','delivered','delivered','returned','cancelled'])[1 + pg_temp.pick(n, 20, 8)]::public.order_status,
    (array[0, 3.9, 4.9, 9.9])[1 + pg_temp.pick(n, 21, 4)],
    case when pg_temp.pick(n, 22, 25) = 0 then 'Happy birthday, ' || pg_temp.first_name(n + 7) || '!' end, at, at + interval '2 days'
  from (select n, 1 + pg_temp.pick(n, 23, 8000) as c, pg_temp.moment(n, 24) as at from generate_series(1, 25000) n) s;

insert into public.order_items
  select o, line, p.id, 1 + pg_temp.pick(o * 10 + line, 25, 3), p.price
  from generate_series(1, 25000) o, generate_series(1, 3) line
  join lateral (select 1 + pg_temp.pick(o * 10 + line, 26, 600) as product) pick on true
  join public.products p on p.id = pick.product
  where line <= 1 + pg_temp.pick(o, 27, 3);

update public.orders o set amount = s.amount
  from (select order_id, sum(quantity * unit_price) as amount from public.order_items group by order_id) s where s.order_id = o.id;

insert into public.reviews
  select n, 1 + pg_temp.pick(n, 28, 600), 1 + pg_temp.pick(n, 29, 8000), 1 + pg_temp.pick(n, 30, 5),
    (array['Does what it says.','Arrived broken, replaced at once.','My sister wants one too.','Too small for my hands.','Smells odd at first.'])[1 + pg_temp.pick(n, 31, 5)],
    pg_temp.moment(n, 32)
  from generate_series(1, 5000) n;

insert into public.events
  select n, pg_temp.moment(n, 33), (array['view','view','search','basket','login','checkout'])[1 + pg_temp.pick(n, 34, 6)], 1 + pg_temp.pick(n, 35, 8000),
    ('192.0.2.' || pg_temp.pick(n, 36, 254))::inet, jsonb_build_object('product', 1 + pg_temp.pick(n, 37, 600))
  from generate_series(1, 40000) n;

insert into billing.cards
  select n, n, pg_temp.luhn('400000' || lpad(pg_temp.pick(n, 38, 1000000000)::text, 9, '0')), upper(first_name || ' ' || last_name),
    date '2027-01-31' + pg_temp.pick(n, 39, 40) * 30, 'testcard'
  from generate_series(1, 6000) n join public.customers c on c.id = n;

insert into billing.bank_accounts
  select n, c.id, pg_temp.iban(n), 'EXMPDEFF', c.first_name || ' ' || c.last_name
  from generate_series(1, 2500) n join public.customers c on c.id = 6000 + n % 2000 + 1;

insert into billing.payments
  select o.id, o.id, case when o.customer_id <= 6000 then o.customer_id end, case when o.customer_id > 6000 then o.customer_id - 6000 end,
    o.total, o.ordered_at + interval '5 minutes', 'PAY-' || lpad(o.id::text, 8, '0')
  from public.orders o where o.status not in ('new', 'cancelled');

insert into billing.invoices
  select o.id, o.id, 'INV-2026-' || lpad(o.id::text, 6, '0'), round(o.total / 1.19, 2), o.total - round(o.total / 1.19, 2), (o.ordered_at at time zone 'UTC')::date
  from public.orders o where o.status not in ('new', 'cancelled');

insert into health.diagnoses
  select n, 1 + pg_temp.pick(n, 40, 8000), d[1], d[2], date '2023-01-01' + pg_temp.pick(n, 41, 1300), 'Dr. ' || pg_temp.last_name(n + 31)
  from (select n, string_to_array((array['J30.1|Hay fever','I10|High blood pressure','E11.9|Type 2 diabetes','F32.1|Moderate depressive episode','G43.9|Migraine','B20|HIV disease','Z34.0|Pregnancy, supervised'])[1 + pg_temp.pick(n, 42, 7)], '|') as d
    from generate_series(1, 3000) n) s;

insert into health.prescriptions
  select n, 1 + (n - 1) % 3000, (array['Placebin','Mockozol','Inventapril','Nullisan','Fictionol'])[1 + pg_temp.pick(n, 43, 5)],
    (array['5 mg','10 mg','50 mg'])[1 + pg_temp.pick(n, 44, 3)], 7 * (1 + pg_temp.pick(n, 45, 12)), date '2026-01-01' + pg_temp.pick(n, 46, 300)
  from generate_series(1, 4500) n;

insert into hr.departments
  values (1, 'Management', 'CC-100'), (2, 'Sales', 'CC-200'), (3, 'Warehouse', 'CC-300'), (4, 'Support', 'CC-400'), (5, 'Engineering', 'CC-500'), (6, 'Pharmacy', 'CC-600');

insert into hr.employees
  select n, case when n = 1 then 1 else 1 + pg_temp.pick(n, 47, 6) end, case when n > 1 then 1 + (n - 2) / 8 end, pg_temp.first_name(n + 500), pg_temp.last_name(n + 900),
    lower(pg_temp.first_name(n + 500)) || n || '@staff.example.com', '+1-212-555-01' || lpad((n % 100)::text, 2, '0'),
    date '1960-01-01' + pg_temp.pick(n, 48, 15000), '00/' || lpad(n::text, 3, '0') || '/00000', pg_temp.iban(90000 + n), date '2015-01-01' + pg_temp.pick(n, 49, 4000)
  from generate_series(1, 220) n;

insert into hr.salaries
  select e, make_date(y, 1, 1), 2200 + pg_temp.pick(e, 50, 4800) + (y - 2022) * 90, case when pg_temp.pick(e * 10 + y, 51, 3) = 0 then 500 + pg_temp.pick(e, 52, 5000) end
  from generate_series(1, 220) e, generate_series(2022, 2026) y;

insert into support.tickets
  select n, o.customer_id, o.id, 1 + pg_temp.pick(n, 53, 220),
    (array['Where is my parcel?','Wrong item','Refund please','Card was charged twice','Delete my data'])[1 + pg_temp.pick(n, 54, 5)],
    (array['open','waiting','closed','closed','closed'])[1 + pg_temp.pick(n, 55, 5)], o.ordered_at + interval '3 days'
  from generate_series(1, 5000) n join public.orders o on o.id = n * 5;

insert into support.messages
  select n, t.id, case when n % 2 = 1 then 'customer' else 'staff' end, n % 10 = 0,
    case when n % 10 = 0 then 'Note to colleagues: third complaint of this customer this year.'
      when n % 2 = 0 then 'Sorry about that, we are looking into it.'
      when pg_temp.pick(n, 56, 6) = 0 then 'Please charge my new card ' || pg_temp.luhn('400000' || lpad(pg_temp.pick(n, 57, 1000000000)::text, 9, '0')) || ' instead.'
      when pg_temp.pick(n, 56, 6) = 1 then 'You can reach me on +1-646-555-01' || lpad((n % 100)::text, 2, '0') || ' or at home.'
      else 'Hello, order ' || t.order_id || ' has still not come.' end,
    t.opened_at + n % 7 * interval '1 hour'
  from generate_series(1, 15000) n join support.tickets t on t.id = 1 + (n - 1) / 3;

insert into legacy."Customer Data"
  select id, full_name, '000-' || lpad((id % 100)::text, 2, '0') || '-' || lpad((id % 10000)::text, 4, '0'), 'moved from the old system'
  from public.customers where id <= 1500;
