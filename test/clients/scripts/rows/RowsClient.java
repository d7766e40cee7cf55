import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.jdbc.PgResultSet;

/** JDBC in text and binary, whole and with a fetch size, and its CopyManager: counted and masked. */
public class RowsClient {
  static final String COUNTED = "select * from people where id > ? order by id";
  static final String MASKED = "select * from patients where id > ? order by id";

  /** Which columns came in binary, as the driver itself keeps it. */
  static String formats(ResultSet set) throws Exception {
    Field kept = PgResultSet.class.getDeclaredField("fields");
    kept.setAccessible(true);
    StringBuilder formats = new StringBuilder();
    for (org.postgresql.core.Field field : (org.postgresql.core.Field[]) kept.get(set)) formats.append(field.getFormat());
    return formats.toString();
  }

  /** In binary the driver's own words for bytes are where they lie in memory. */
  static String word(ResultSet set, int column) throws SQLException {
    if (!set.getMetaData().getColumnTypeName(column).equals("bytea")) return set.getString(column);
    byte[] bytes = set.getBytes(column);
    return bytes == null ? null : HexFormat.of().formatHex(bytes);
  }

  static void read(Connection connection, String way, String sql, List<String> got) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setInt(1, 0);
      if (way.endsWith("portal")) statement.setFetchSize(40);
      try (ResultSet set = statement.executeQuery()) {
        got.add("formats " + formats(set));
        int width = set.getMetaData().getColumnCount();
        while (set.next()) {
          List<String> row = new ArrayList<>();
          for (int column = 1; column <= width; column++) row.add(word(set, column));
          got.add(row.toString());
        }
      }
    }
  }

  /** Rows as they come, each in a write of its own. */
  static void copy(Connection connection, String sql, List<String> got, boolean binary) throws Exception {
    String statement = "copy (" + sql.replace("?", "0") + ") to stdout" + (binary ? " with (format binary)" : "");
    connection.unwrap(PGConnection.class).getCopyAPI().copyOut(statement, new OutputStream() {
      @Override public void write(int octet) {
        throw new IllegalStateException("one byte");
      }
      @Override public void write(byte[] row, int from, int length) {
        byte[] part = Arrays.copyOfRange(row, from, from + length);
        got.add(binary ? HexFormat.of().formatHex(part) : new String(part, StandardCharsets.UTF_8).stripTrailing());
      }
    });
  }

  static void ask(Connection connection, String way, String word, String sql, List<String> got) throws Exception {
    String told = sql + " /* " + word + " " + way + " */";
    boolean binary = way.startsWith("binary");
    if (way.endsWith("copy")) {
      copy(connection, binary ? told.replace("patients", System.getenv("BINARY_COPY_OF")) : told, got, binary);
    } else {
      read(connection, way, told, got);
    }
  }

  static String digest(List<String> got) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(got.toString().getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(hash);
  }

  static void counted(Connection connection, String way) throws Exception {
    List<String> got = new ArrayList<>();
    ask(connection, way, "approve", COUNTED, got);
    if (!connection.getAutoCommit()) connection.commit();
    System.out.println(way + " approved: " + got.size() + ", " + digest(got));
    got.clear();
    try {
      ask(connection, way, "deny", COUNTED, got);
      System.out.println(way + " denied: nothing");
    } catch (SQLException error) {
      String message = error.getMessage().split("\n")[0].replaceFirst("^ERROR: ", "");
      got.removeIf(line -> line.startsWith("formats "));
      System.out.println(way + " denied: after " + got.size() + ": " + error.getSQLState() + " " + message);
    }
    if (!connection.getAutoCommit()) connection.rollback();
    try (Statement statement = connection.createStatement(); ResultSet set = statement.executeQuery("select 1")) {
      set.next();
      System.out.println(way + " goes on: " + set.getInt(1));
    }
    if (!connection.getAutoCommit()) connection.commit();
  }

  public static void main(String[] args) throws Exception {
    // A threshold of -1: the driver asks for the types first, and has everything in binary from the first time on.
    for (String way : new String[] {"simple", "extended", "portal", "binary", "binary-portal", "copy", "binary-copy"}) {
      String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
          + System.getenv("PGDATABASE") + "?preferQueryMode=" + (way.equals("simple") ? way : "extended")
          + "&binaryTransfer=" + way.startsWith("binary") + "&prepareThreshold=" + (way.startsWith("binary") ? -1 : 1);
      try (Connection connection = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
        connection.setAutoCommit(!way.endsWith("portal"));
        counted(connection, way);
        List<String> got = new ArrayList<>();
        ask(connection, way, "mask", MASKED, got);
        for (String line : got) System.out.println(way + " masked: " + line);
        if (!connection.getAutoCommit()) connection.commit();
      }
    }
  }
}
