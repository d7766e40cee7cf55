<?php
// PHP: PDO with prepared and emulated statements, and the pg_* functions with asynchronous queries, COPY and LISTEN.
$table = getenv('CLIENT_TABLE');

function say(string $step, mixed $value): void
{
    echo json_encode(['step' => $step, 'value' => $value], JSON_UNESCAPED_UNICODE | JSON_PARTIAL_OUTPUT_ON_ERROR), "\n";
}

function fails(string $step, callable $work): void
{
    try {
        $work();
        say($step, 'did not fail');
    } catch (PDOException $error) {
        say($step, [$error->getCode(), $error->errorInfo[2] ?? null]);
    }
}

$dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
foreach ([false, true] as $emulate) {
    $pdo = new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'), [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_EMULATE_PREPARES => $emulate,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    ]);
    say('emulated', $emulate);
    say('simple', $pdo->query("select 1 as one, 'two' as two, null as nothing, true as yes")->fetchAll());
    $statement = $pdo->prepare('select ?::int + 1 as n, ?::text as t');
    for ($n = 0; $n < 5; $n++) {
        $statement->execute([$n, "O'Reilly \\ 世界"]);
        say('prepared', $statement->fetchAll());
    }
    $named = $pdo->prepare('select :a::int * 2 as n');
    $named->bindValue('a', 21, PDO::PARAM_INT);
    $named->execute();
    say('named', [$named->fetchColumn(), $named->getColumnMeta(0)['native_type'] ?? null]);
    $many = $pdo->query('select g, md5(g::text) as m from generate_series(1, 5000) g')->fetchAll(PDO::FETCH_NUM);
    say('many rows', [count($many), md5(json_encode($many))]);
    $pdo->exec("create table $table (id int primary key, words text, picture bytea)");
    say('copy in', $pdo->pgsqlCopyFromArray($table, ["1\ta\t\\N\n", "2\tb\t\\N\n", "3\tc\t\\N\n"]));
    say('copy out', $pdo->pgsqlCopyToArray($table));
    $insert = $pdo->prepare("insert into $table values (?, ?, ?)");
    $insert->bindValue(1, 4, PDO::PARAM_INT);
    $insert->bindValue(2, 'd');
    $insert->bindValue(3, "\x00\xff", PDO::PARAM_LOB);
    $insert->execute();
    say('inserted', $pdo->query("select id, words, encode(picture, 'hex') as p from $table where id = 4")->fetchAll());
    $pdo->beginTransaction();
    $pdo->exec("delete from $table");
    $pdo->rollBack();
    say('transaction', $pdo->query("select count(*) from $table")->fetchColumn());
    fails('division', fn () => $pdo->query('select 1 / 0'));
    fails('missing', fn () => $pdo->query('select * from missing'));
    fails('twice', fn () => $pdo->exec("insert into $table values (1, 'x', null)"));
    $pdo->exec("listen $table");
    $other = new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'));
    $other->exec("notify $table, 'word'");
    $heard = $pdo->pgsqlGetNotify(PDO::FETCH_ASSOC, 10000);
    say('notify', [$heard['message'], $heard['payload']]);
    $other = null;
    $pdo->exec("drop table $table");
    $statement = $named = $insert = $pdo = null;
}

$connection = pg_connect(sprintf('host=%s port=%s dbname=%s user=%s password=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'), getenv('PGUSER'), getenv('PGPASSWORD')));
say('pg_query_params', pg_fetch_all(pg_query_params($connection, 'select $1::int + 1 as n', [41])));
pg_prepare($connection, 'p', 'select $1::text as t');
say('pg_execute', pg_fetch_all(pg_execute($connection, 'p', ['x'])));
pg_send_query($connection, 'select 1; select 2');
$results = [];
while ($result = pg_get_result($connection)) {
    $results[] = pg_fetch_all($result);
}
say('pg_send_query', $results);
pg_send_query($connection, 'select pg_sleep(30)');
usleep(400_000); // A cancel that comes before the query has begun cancels nothing.
say('pg_cancel_query', pg_cancel_query($connection));
say('after', pg_fetch_result(pg_query($connection, "select 'well'"), 0, 0));
say('escaped', [pg_escape_literal($connection, "it's \\"), pg_client_encoding($connection)]);
pg_close($connection);
say('closed', true);
