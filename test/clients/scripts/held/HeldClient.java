import java.sql.*;
import java.util.Timer;
import java.util.TimerTask;

/** JDBC in each of its modes, and with a fetch size: held, then approved, denied, timed out, cancelled. */
public class HeldClient {
  static String word(PreparedStatement statement) throws SQLException {
    try (ResultSet set = statement.executeQuery()) {
      return set.next() ? set.getString(1) : "no row";
    }
  }

  static PreparedStatement ask(Connection connection, String what, String way) throws SQLException {
    PreparedStatement statement =
        connection.prepareStatement("select word from held_words where id = ? /* " + what + " " + way + " */");
    statement.setInt(1, 1);
    if (way.equals("portal")) statement.setFetchSize(1);
    return statement;
  }

  static void fails(Connection connection, String what, String way) throws Exception {
    Timer timer = new Timer(true);
    try (PreparedStatement statement = ask(connection, what, way)) {
      if (what.equals("cancel")) {
        timer.schedule(new TimerTask() {
          public void run() {
            try {
              statement.cancel();
            } catch (SQLException error) {
              System.out.println("the cancel failed: " + error.getMessage());
            }
          }
        }, 400);
      }
      System.out.println(way + " " + what + ": " + word(statement));
    } catch (SQLException error) {
      String message = error.getMessage().split("\n")[0].replaceFirst("^ERROR: ", "");
      System.out.println(way + " " + what + ": " + error.getSQLState() + " " + message);
    }
    timer.cancel();
    if (!connection.getAutoCommit()) connection.rollback();
  }

  public static void main(String[] args) throws Exception {
    for (String way : new String[] {"simple", "extended", "extendedForPrepared", "portal"}) {
      String mode = way.equals("portal") ? "extended" : way;
      String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
          + System.getenv("PGDATABASE") + "?preferQueryMode=" + mode + "&prepareThreshold=1";
      try (Connection connection = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
        connection.setAutoCommit(!way.equals("portal"));
        try (PreparedStatement statement = ask(connection, "approve", way)) {
          System.out.println(way + " approved: " + word(statement));
        }
        if (!connection.getAutoCommit()) connection.commit();
        for (String what : new String[] {"deny", "silence", "cancel"}) fails(connection, what, way);
        try (PreparedStatement statement = connection.prepareStatement("select 1")) {
          System.out.println(way + " goes on: " + word(statement));
        }
        if (!connection.getAutoCommit()) connection.commit();
      }
    }
  }
}
