-- The sample database: a shop with a pharmacy counter. Nobody in it exists: surnames are made up, mail goes to example domains,
-- telephone numbers are of the range kept for fiction, card and account numbers are of test ranges.

create schema billing;

create schema health;

create schema hr;

create schema support;

create schema legacy;

create type public.order_status as enum ('new', 'paid', 'shipped', 'delivered', 'returned', 'cancelled');

create domain public.email_address as text check (value ~ '^[^@\s]+@[^@\s]+$');

create table public.customers (
  id int primary key,
  first_name text not null,
  last_name text not null,
  email public.email_address not null unique,
  phone text,
  birth_date date,
  country char(2) not null,
  marketing_consent boolean not null default false,
  notes text,
  created_at timestamptz not null,
  full_name text generated always as (first_name || ' ' || last_name) stored
);

create table public.addresses (
  id int primary key,
  customer_id int not null references public.customers,
  kind text not null check (kind in ('delivery', 'invoice')),
  street text not null,
  postal_code text not null,
  city text not null,
  country char(2) not null
);

create table public.categories (
  id int primary key,
  name text not null unique,
  parent_id int references public.categories
);

create table public.products (
  id int primary key,
  sku text not null unique,
  name text not null,
  category_id int not null references public.categories,
  price numeric(10, 2) not null check (price > 0),
  purchase_price numeric(10, 2) not null,
  attributes jsonb not null default '{}',
  tags text[] not null default '{}',
  active boolean not null default true
);

create table public.orders (
  id int primary key,
  customer_id int not null references public.customers,
  address_id int references public.addresses,
  status public.order_status not null default 'new',
  amount numeric(12, 2) not null default 0,
  shipping numeric(8, 2) not null default 0,
  total numeric(12, 2) generated always as (amount + shipping) stored,
  gift_message text,
  ordered_at timestamptz not null,
  updated_at timestamptz not null
);

create table public.order_items (
  order_id int not null references public.orders on delete cascade,
  line int not null,
  product_id int not null references public.products,
  quantity int not null check (quantity > 0),
  unit_price numeric(10, 2) not null,
  primary key (order_id, line)
);

create table public.order_changes (
  id bigint generated always as identity primary key,
  order_id int not null,
  old_status public.order_status,
  new_status public.order_status,
  changed_at timestamptz not null default now()
);

create table public.reviews (
  id int primary key,
  product_id int not null references public.products,
  customer_id int references public.customers,
  stars int not null check (stars between 1 and 5),
  words text,
  written_at timestamptz not null
);

create table public.events (
  id bigint not null,
  at timestamptz not null,
  kind text not null,
  customer_id int,
  client_address inet,
  detail jsonb not null default '{}',
  primary key (id, at)
) partition by range (at);

create table public.events_2026_07 partition of public.events for values from ('2026-07-01 00:00+00') to ('2026-08-01 00:00+00');

create table public.events_2026_08 partition of public.events for values from ('2026-08-01 00:00+00') to ('2026-09-01 00:00+00');

create table public.events_2026_09 partition of public.events for values from ('2026-09-01 00:00+00') to ('2026-10-01 00:00+00');

create table public.events_2026_10 partition of public.events for values from ('2026-10-01 00:00+00') to ('2026-11-01 00:00+00');

create table public.events_other partition of public.events default;

create table billing.cards (
  id int primary key,
  customer_id int not null references public.customers,
  pan text not null,
  holder text not null,
  expires date not null,
  brand text not null
);

create table billing.bank_accounts (
  id int primary key,
  customer_id int not null references public.customers,
  iban text not null,
  bic text not null,
  holder text not null
);

create table billing.payments (
  id int primary key,
  order_id int not null references public.orders,
  card_id int references billing.cards,
  bank_account_id int references billing.bank_accounts,
  amount numeric(12, 2) not null,
  paid_at timestamptz not null,
  reference text not null
);

create table billing.invoices (
  id int primary key,
  order_id int not null unique references public.orders,
  number text not null unique,
  net numeric(12, 2) not null,
  tax numeric(12, 2) not null,
  issued_on date not null
);

create table health.diagnoses (
  id int primary key,
  customer_id int not null references public.customers,
  icd10 text not null,
  words text not null,
  found_on date not null,
  doctor text not null
);

create table health.prescriptions (
  id int primary key,
  diagnosis_id int not null references health.diagnoses,
  medicine text not null,
  dose text not null,
  days int not null,
  issued_on date not null
);

create table hr.departments (
  id int primary key,
  name text not null unique,
  cost_centre text not null
);

create table hr.employees (
  id int primary key,
  department_id int not null references hr.departments,
  manager_id int references hr.employees,
  first_name text not null,
  last_name text not null,
  work_email public.email_address not null unique,
  private_phone text,
  birth_date date not null,
  tax_number text not null,
  iban text not null,
  hired_on date not null
);

create table hr.salaries (
  employee_id int not null references hr.employees,
  valid_from date not null,
  monthly numeric(10, 2) not null,
  bonus numeric(10, 2),
  primary key (employee_id, valid_from)
);

create table support.tickets (
  id int primary key,
  customer_id int not null references public.customers,
  order_id int references public.orders,
  employee_id int references hr.employees,
  subject text not null,
  state text not null check (state in ('open', 'waiting', 'closed')),
  opened_at timestamptz not null
);

create table support.messages (
  id int primary key,
  ticket_id int not null references support.tickets,
  sender text not null check (sender in ('customer', 'staff')),
  internal boolean not null default false,
  body text not null,
  sent_at timestamptz not null
);

create table legacy."Customer Data" (
  "Id" int primary key,
  "Full Name" text not null,
  "SSN" text,
  "Remark" text
);
