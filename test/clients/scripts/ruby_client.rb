# ruby-pg: simple, with parameters in text and binary, prepared, COPY, cancel, pipeline, LISTEN.
require 'digest'
require 'json'
require 'pg'

TABLE = ENV.fetch('CLIENT_TABLE')

def say(step, value)
  puts JSON.generate({ step: step, value: value })
end

def fails(step)
  yield
  say(step, 'did not fail')
rescue PG::Error => e
  result = e.respond_to?(:result) ? e.result : nil
  say(step, [e.class.name, result&.error_field(PG::PG_DIAG_SQLSTATE), result&.error_field(PG::PG_DIAG_MESSAGE_PRIMARY)])
end

connection = PG.connect
notices = []
connection.set_notice_processor { |text| notices << text }
say('simple', connection.exec("select 1 as one, 'two' as two").to_a)
say('parameters', connection.exec_params('select $1::int + 1 as n, $2::text as t, $3::text as x', [41, "O'Reilly \\", nil]).to_a)
binary = connection.exec_params('select $1::int4 as n, $2::timestamptz as at', [{ value: [7].pack('N'), format: 1 }, '2026-07-01 00:00+00'], 1)
say('binary', binary.values.flatten.map { |value| value.unpack1('H*') })
say('formats', [binary.fformat(0), binary.ftype(1), binary.fmod(0), binary.ftable(0)])
connection.prepare('sums', 'select $1::int * 2 as n')
say('prepared', (0..5).map { |n| connection.exec_prepared('sums', [n]).getvalue(0, 0) })
described = connection.describe_prepared('sums')
say('described', [described.nparams, described.paramtype(0), described.fname(0)])
connection.exec('deallocate sums')
say('many rows', Digest::SHA256.hexdigest(connection.exec('select g, md5(g::text) from generate_series(1, 20000) g').values.join(',')))
connection.send_query('select g from generate_series(1, 3000) g')
connection.set_single_row_mode
rows = 0
while (result = connection.get_result)
  rows += result.ntuples
  result.check
end
say('single rows', rows)

connection.exec("create table #{TABLE} (id int primary key, words text)")
connection.copy_data("copy #{TABLE} from stdin") { 4000.times { |n| connection.put_copy_data("#{n}\trow #{n}\n") } }
out = []
connection.copy_data("copy (select * from #{TABLE} order by id) to stdout") { while (row = connection.get_copy_data) do out << row end }
say('copy', [out.length, Digest::SHA256.hexdigest(out.join)])
fails('copy error') { connection.copy_data("copy #{TABLE} from stdin") { connection.put_copy_data("x\ty\n") } }
fails('copy given up') { connection.copy_data("copy #{TABLE} from stdin") { raise PG::Error, 'given up' } }
connection.transaction { connection.exec("update #{TABLE} set words = 'changed' where id = 1") }
fails('transaction') do
  connection.transaction do
    connection.exec("delete from #{TABLE}")
    connection.exec('select 1 / 0')
  end
end
say('kept', connection.exec("select count(*), min(words) from #{TABLE} where id < 2").values)
fails('missing') { connection.exec_params('select * from missing where id = $1', [1]) }
fails('syntax') { connection.exec('selec') }

connection.enter_pipeline_mode
20.times { |n| connection.send_query_params('select $1::int', [n]) }
connection.send_query_params('select 1 / $1::int', [0])
connection.send_query_params('select 99', [])
connection.pipeline_sync
piped = []
loop do
  result = connection.get_result
  next if result.nil?
  piped << [result.result_status, result.result_status == PG::PGRES_TUPLES_OK ? result.getvalue(0, 0) : result.error_field(PG::PG_DIAG_SQLSTATE)]
  break if result.result_status == PG::PGRES_PIPELINE_SYNC
end
connection.exit_pipeline_mode
say('pipeline', piped)

connection.send_query('select pg_sleep(30)')
sleep 0.4 # A cancel that comes before the query has begun cancels nothing.
connection.cancel
fails('cancel') { connection.get_last_result }
connection.exec("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$")
say('notices', notices)
connection.exec("listen #{TABLE}")
other = PG.connect
other.exec_params('select pg_notify($1, $2)', [TABLE, 'wörd'])
other.finish
connection.wait_for_notify(10) { |channel, _pid, payload| say('notify', [channel, payload]) }
connection.exec("drop table #{TABLE}")
connection.reset
say('reset', connection.exec('select 1').values)
connection.finish
say('closed', connection.finished?)
