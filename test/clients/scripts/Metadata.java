// Everything that java.sql.DatabaseMetaData can be asked about a database: what IDEs and report tools do when they connect.
import java.sql.*;

public class Metadata {
  static void all(String what, ResultSet rows) throws SQLException {
    int count = 0;
    while (rows.next()) count++;
    rows.close();
    System.out.println(what + " " + (count > 0 ? "some" : "none"));
  }

  public static void main(String[] args) throws Exception {
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
    try (Connection c = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
      DatabaseMetaData m = c.getMetaData();
      // More than five times, so that the driver's named statements come in too.
      for (int round = 0; round < 7; round++) {
        all("catalogs", m.getCatalogs());
        all("schemas", m.getSchemas());
        all("tables", m.getTables(null, null, "%", null));
        all("tables of hr", m.getTables(null, "hr", "%", new String[] {"TABLE", "VIEW"}));
        all("table types", m.getTableTypes());
        all("columns", m.getColumns(null, null, "%", "%"));
        all("columns of employees", m.getColumns(null, "hr", "employees", null));
        all("primary keys", m.getPrimaryKeys(null, "public", "customers"));
        all("imported keys", m.getImportedKeys(null, "public", "orders"));
        all("exported keys", m.getExportedKeys(null, "public", "customers"));
        all("cross reference", m.getCrossReference(null, "public", "customers", null, "public", "orders"));
        all("indexes", m.getIndexInfo(null, "public", "orders", false, true));
        all("procedures", m.getProcedures(null, null, "%"));
        all("procedure columns", m.getProcedureColumns(null, null, "%", "%"));
        all("functions", m.getFunctions(null, null, "%"));
        all("function columns", m.getFunctionColumns(null, "public", "%", "%"));
        all("types", m.getTypeInfo());
        all("user types", m.getUDTs(null, null, "%", null));
        all("table privileges", m.getTablePrivileges(null, "public", "%"));
        all("column privileges", m.getColumnPrivileges(null, "public", "customers", "%"));
        all("best row", m.getBestRowIdentifier(null, "public", "customers", DatabaseMetaData.bestRowSession, false));
        all("versions", m.getVersionColumns(null, "public", "customers"));
        all("client info", m.getClientInfoProperties());
        System.out.println(m.getDatabaseProductName() + " " + m.getSQLKeywords().length() + " " + m.getNumericFunctions().length());
        System.out.println(m.getMaxColumnNameLength() + " " + m.getDefaultTransactionIsolation() + " " + m.supportsTransactions());
        System.out.println(c.isValid(5) + " " + c.getSchema() + " " + c.getCatalog());
      }
    }
  }
}
