import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.Timer;
import java.util.TimerTask;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

/** JDBC: simple, extended, named statements with binary transfer, portals with a fetch size, COPY, cancel, LISTEN, metadata. */
public class Client {
  static final String TABLE = System.getenv("CLIENT_TABLE");

  static void say(String step, Object value) {
    System.out.println("{\"step\":" + quoted(step) + ",\"value\":" + quoted(String.valueOf(value)) + "}");
  }

  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }

  static Connection open(String options) throws SQLException {
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE") + "?" + options;
    return DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"));
  }

  static String rows(ResultSet set) throws SQLException {
    int columns = set.getMetaData().getColumnCount();
    StringBuilder out = new StringBuilder();
    int count = 0, hash = 0;
    while (set.next()) {
      StringBuilder row = new StringBuilder();
      for (int i = 1; i <= columns; i++) row.append(set.getString(i)).append('|');
      hash = hash * 31 + row.toString().hashCode();
      if (count++ < 3) out.append(row).append(' ');
    }
    return out + "rows " + count + " hash " + hash;
  }

  interface Step { void run() throws Exception; }

  static void fails(String step, Step work) throws Exception {
    try {
      work.run();
      say(step, "did not fail");
    } catch (SQLException error) {
      say(step, error.getSQLState() + " " + error.getMessage());
    }
  }

  public static void main(String[] args) throws Exception {
    for (String mode : new String[] {"extended", "simple", "extendedForPrepared", "extendedCacheEverything"}) run(mode);
    say("closed", true);
  }

  static void run(String mode) throws Exception {
    Connection connection = open("preferQueryMode=" + mode + "&prepareThreshold=3");
    Statement statement = connection.createStatement();
    say("mode", mode);
    say("simple", rows(statement.executeQuery("select 1 as one, 'two' as two")));
    try (PreparedStatement prepared = connection.prepareStatement("select ?::int + 1, ?::text, ?::timestamptz, ?::numeric, ?::int8")) {
      for (int i = 0; i < 8; i++) {
        prepared.setInt(1, i);
        prepared.setString(2, "O'Reilly \\ 世界 😀");
        prepared.setTimestamp(3, Timestamp.valueOf("2026-07-01 12:34:56.789"));
        prepared.setBigDecimal(4, new java.math.BigDecimal("12345.6789"));
        prepared.setLong(5, 9007199254740993L);
        say("prepared " + i, rows(prepared.executeQuery()));
      }
    }
    say("types", rows(statement.executeQuery("select 1::int2, 'NaN'::float8, '\\x00ff10'::bytea, array[1,null,3], '{\"a\":1}'::jsonb, null::text, true, interval '1 day', 'shipped'::order_status")));
    boolean more = statement.execute("select 1; select 2; select 3");
    StringBuilder several = new StringBuilder();
    while (more) {
      several.append(rows(statement.getResultSet())).append("; ");
      more = statement.getMoreResults();
    }
    say("several statements", several);
    metadata(connection, mode);
    writing(connection, statement, mode);
    errors(connection, statement);
    cancel(connection);
    listen(connection, statement);
    statement.execute("drop table " + TABLE);
    connection.close();
  }

  static void metadata(Connection connection, String mode) throws Exception {
    DatabaseMetaData meta = connection.getMetaData();
    say("columns", rows(meta.getColumns(null, "public", "customers", "%")));
    say("tables", rows(meta.getTables(null, "hr", "%", new String[] {"TABLE", "VIEW"})));
    say("keys", rows(meta.getImportedKeys(null, "public", "orders")));
    // In simple mode the driver cannot describe, and says so.
    if (!"simple".equals(mode)) {
      try (PreparedStatement prepared = connection.prepareStatement("select c.id, email, total from customers c join orders o on o.customer_id = c.id where c.id = ?")) {
        ResultSetMetaData described = prepared.getMetaData();
        StringBuilder out = new StringBuilder();
        for (int i = 1; i <= described.getColumnCount(); i++) out.append(described.getColumnName(i)).append(' ').append(described.getColumnTypeName(i)).append(' ');
        say("described", out);
      }
    }
  }

  static void writing(Connection connection, Statement statement, String mode) throws Exception {
    statement.execute("create table " + TABLE + " (id int primary key, words text)");
    CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 4000; i++) lines.append(i).append("\trow ").append(i).append('\n');
    say("copy in", copy.copyIn("copy " + TABLE + " from stdin", new StringReader(lines.toString())));
    StringWriter out = new StringWriter();
    say("copy out", copy.copyOut("copy (select * from " + TABLE + " order by id) to stdout", out) + " " + out.toString().hashCode());
    try (PreparedStatement batch = connection.prepareStatement("insert into " + TABLE + " values (?, ?)")) {
      for (int i = 10000; i < 10400; i++) {
        batch.setInt(1, i);
        batch.setString(2, "batch");
        batch.addBatch();
      }
      say("batch", batch.executeBatch().length);
    }
    connection.setAutoCommit(false);
    statement.setFetchSize(150);
    say("fetch size", rows(statement.executeQuery("select * from " + TABLE + " order by id")));
    statement.setFetchSize(0);
    statement.executeUpdate("update " + TABLE + " set words = 'changed' where id = 1");
    Savepoint here = connection.setSavepoint("here");
    say("deleted", statement.executeUpdate("delete from " + TABLE));
    connection.rollback(here);
    connection.commit();
    say("transaction", rows(statement.executeQuery("select count(*), min(words) from " + TABLE + " where id = 1 or id > 3990")));
    connection.rollback();
    fails("error in transaction", () -> statement.execute("select 1 / 0"));
    fails("in failed transaction", () -> statement.execute("select 1"));
    connection.rollback();
    connection.setAutoCommit(true);
  }

  static void errors(Connection connection, Statement statement) throws Exception {
    fails("missing", () -> statement.executeQuery("select * from missing"));
    fails("syntax", () -> statement.executeQuery("selec"));
    fails("twice", () -> statement.execute("insert into " + TABLE + " values (1, 'twice')"));
    fails("bad parameter", () -> {
      try (PreparedStatement prepared = connection.prepareStatement("select ?::int")) {
        prepared.setString(1, "abc");
        prepared.executeQuery();
      }
    });
    say("well", rows(statement.executeQuery("select 'well'")));
  }

  static void cancel(Connection connection) throws Exception {
    Statement slow = connection.createStatement();
    Timer timer = new Timer(true);
    timer.schedule(new TimerTask() {
      public void run() {
        try {
          slow.cancel();
        } catch (SQLException error) {
          say("cancel failed", error.getMessage());
        }
      }
    }, 400);
    fails("cancel", () -> slow.execute("select pg_sleep(30)"));
    timer.cancel();
    fails("time-out", () -> {
      try (Statement hurried = connection.createStatement()) {
        hurried.setQueryTimeout(1);
        hurried.execute("select pg_sleep(30)");
      }
    });
  }

  static void listen(Connection connection, Statement statement) throws Exception {
    statement.execute("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$");
    say("notices", statement.getWarnings() + " / " + statement.getWarnings().getNextWarning());
    statement.execute("listen " + TABLE);
    try (Connection other = open(""); Statement notify = other.createStatement()) {
      notify.execute("select pg_notify('" + TABLE + "', 'wörd')");
    }
    PGNotification[] heard = connection.unwrap(PGConnection.class).getNotifications(10000);
    say("notify", heard == null ? "none" : heard[0].getName() + " " + heard[0].getParameter());
  }
}
