-- psql as a person and as a script would use it: meta-commands, variables, COPY both ways, errors, cursors, LISTEN.
\set ON_ERROR_STOP 0
\set VERBOSITY verbose
\pset pager off
\conninfo
select 1 as one, 'Grüße, 世界 😀' as t, null as nothing;
select 1; select 2 \; select 3;
\dn
\dt hr.*
\d public.orders
\d+ public.events
\df public.*
\dv *.*stats
\dT public.*
\dp hr.salaries
\l shop
\du gate
\x on
select * from customers where id = 1;
\x off
select id, email from customers where id = 1 \gdesc
select 'customers' as t \gset
select count(*) from :t;
select format('select %s as n', g) from generate_series(1, 3) g \gexec
\timing off
create table :own (id int primary key, words text);
\copy :own from pstdin with (format csv)
COPY :own FROM stdin;
1	one
2	two
3	\N
\.
copy (select * from :own order by id) to stdout with (format csv, header);
\copy (select id, email from customers where id < 4 order by id) to pstdout
select 1 / 0;
select * from missing;
selec 1;
insert into :own values (1, 'twice');
begin;
insert into :own values (4, 'four');
select 1 / 0;
select 1;
commit;
begin;
savepoint a;
delete from :own;
rollback to a;
declare c cursor for select g from generate_series(1, 10) g;
fetch 3 from c;
move 4 in c;
fetch all from c;
commit;
\set FETCH_COUNT 100
select count(*) from (select * from customers) s;
select id from customers where id <= 250 order by id;
\set FETCH_COUNT 0
do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$;
listen :own;
notify :own, 'word';
prepare p(int) as select $1 * 2;
execute p(21);
deallocate all;
set search_path = hr, public;
select count(*) from employees;
show search_path;
\encoding
set client_encoding = 'LATIN1';
select 'Gr' || chr(252) || chr(223) || 'e' as latin;
\encoding UTF8
explain (costs off) select * from orders where id = 7;
discard all;
table :own;
drop table :own;
\echo done
