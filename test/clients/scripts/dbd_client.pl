# DBD::Pg: simple, server-side prepared, COPY, asynchronous with cancel, LISTEN, metadata.
use strict;
use warnings;
use DBI;
use DBD::Pg qw(:async :pg_types);
use JSON::PP;
binmode STDOUT, ':utf8';

my $table = $ENV{CLIENT_TABLE};
my $json = JSON::PP->new->canonical->allow_nonref;
sub say_step { my ($step, $value) = @_; print $json->encode({ step => $step, value => $value }), "\n"; }

my $source = "dbi:Pg:host=$ENV{PGHOST};port=$ENV{PGPORT};dbname=$ENV{PGDATABASE}";
my @warned;
local $SIG{__WARN__} = sub { push @warned, $_[0] =~ s/ at \S+ line.*//sr };
for my $prepare (0, 1) {
  my $db = DBI->connect($source, $ENV{PGUSER}, $ENV{PGPASSWORD}, { RaiseError => 1, PrintError => 0, PrintWarn => 1, AutoCommit => 1 });
  $db->{pg_server_prepare} = $prepare;
  say_step('server prepare', $prepare);
  say_step('simple', $db->selectall_arrayref("select 1 as one, 'two' as two, null as nothing"));
  my $sums = $db->prepare('select ?::int * 2, ?::text');
  for my $n (0 .. 4) { $sums->execute($n, "O'Reilly \\ $n"); say_step('prepared', $sums->fetchall_arrayref); }
  say_step('columns', [$sums->{NAME}, $sums->{TYPE}, $sums->{pg_type}]);
  my $bytes = $db->prepare('select ?::bytea');
  $bytes->bind_param(1, "\x00\xff\x10", { pg_type => PG_BYTEA });
  $bytes->execute;
  say_step('bytea', unpack('H*', ($bytes->fetchrow_array)[0]));
  my $rows = $db->selectall_arrayref('select g, md5(g::text) from generate_series(1, 5000) g');
  say_step('many rows', [scalar @$rows, $rows->[4999]]);
  say_step('arrays', $db->selectall_arrayref("select array[1,null,3], array['x','y,z']"));
  $db->do("create table $table (id int primary key, words text)");
  $db->do("copy $table from stdin");
  $db->pg_putcopydata("$_\trow $_\n") for 1 .. 3000;
  $db->pg_putcopyend;
  $db->do("copy (select * from $table order by id) to stdout");
  my ($line, @lines) = ('');
  push @lines, $line while $db->pg_getcopydata($line) >= 0;
  say_step('copy', [scalar @lines, $lines[0], $lines[-1]]);
  $db->begin_work;
  $db->do("update $table set words = 'changed' where id = 1");
  $db->pg_savepoint('here');
  say_step('deleted', $db->do("delete from $table"));
  $db->pg_rollback_to('here');
  $db->commit;
  say_step('transaction', $db->selectall_arrayref("select count(*), min(words) from $table where id < 3"));
  for my $sql ('select 1 / 0', 'select * from missing', 'selec', "insert into $table values (1, 'twice')") {
    eval { $db->do($sql) };
    say_step('error', [$db->state, $db->errstr]);
  }
  $db->do('select pg_sleep(30)', { pg_async => PG_ASYNC });
  select undef, undef, undef, 0.4; # A cancel that comes before the query has begun cancels nothing.
  say_step('cancel', $db->pg_cancel);
  say_step('after', $db->selectall_arrayref("select 'well'"));
  @warned = ();
  $db->do("do \$\$ begin raise notice 'hello %', 7; raise warning 'careful'; end \$\$");
  say_step('notices', [@warned]);
  $db->do("listen $table");
  my $other = DBI->connect($source, $ENV{PGUSER}, $ENV{PGPASSWORD}, { RaiseError => 1 });
  $other->do("notify $table, 'word'");
  $other->disconnect;
  my $heard;
  for (1 .. 1000) { last if $heard = $db->pg_notifies; select undef, undef, undef, 0.01; }
  say_step('notify', [@$heard[0, 2]]);
  my $keys = $db->primary_key_info(undef, 'public', 'order_items');
  say_step('keys', [map { $_->[3] } @{ $keys->fetchall_arrayref }]);
  my $columns = $db->column_info(undef, 'public', 'customers', '%');
  say_step('catalog columns', [map { [$_->[3], $_->[5]] } @{ $columns->fetchall_arrayref }]);
  $db->do("drop table $table");
  say_step('ping', $db->ping);
  $db->disconnect;
}
say_step('closed', 1);
