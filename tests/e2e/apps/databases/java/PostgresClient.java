import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** The PostgreSQL JDBC driver: HOST PORT. See ../README.md. */
public class PostgresClient {
    static Connection connection;

    /** rows: -1 for what is no SELECT. */
    static void call(String text, int rows, String code, Object... parameters) throws SQLException {
        String said = null;
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int i = 0; i < parameters.length; i++) statement.setObject(i + 1, parameters[i]);
            if (statement.execute()) {
                ResultSet got = statement.getResultSet();
                int count = 0;
                while (got.next()) check(got.getInt(1) == ++count, text);
                check(count == rows, text + ": " + count + " rows");
            }
        } catch (SQLException error) {
            said = error.getSQLState();
        }
        check(said == null ? code == null : said.equals(code), text + ": " + said);
        int number = 0;
        while (text.contains("?")) text = text.replaceFirst("\\?", "\\$" + ++number);
        System.out.println("{\"text\": \"" + text + "\", \"rows\": " + (rows < 0 ? "null" : "" + rows)
                + ", \"code\": " + (code == null ? "null" : "\"" + code + "\"") + "}");
    }

    static void check(boolean right, String what) {
        if (!right) throw new AssertionError(what);
    }

    public static void main(String[] arguments) throws SQLException {
        connection = DriverManager.getConnection("jdbc:postgresql://" + arguments[0] + ":" + arguments[1]
                + "/app?user=clew&sslmode=disable&gssEncMode=disable");
        for (int n = 1; n <= 10; n++) call("SELECT generate_series(1, " + n + ") AS u" + n, n, null);
        for (int n = 11; n <= 20; n++) call("SELECT generate_series(1, ?::int) AS p" + n, n, null, n);
        for (int n = 21; n <= 30; n++) call("SELECT generate_series(1, ?::int) AS q", n, null, n);
        for (int n = 31; n <= 32; n++) call("INSERT INTO items VALUES (?, ?)", -1, null, n, "note " + n);
        call("SELECT 1/0 AS e1", -1, "22012");
        call("SELECT missing AS e2", -1, "42703");
        call("SELEC e3", -1, "42601");
        call("INSERT INTO items VALUES (?, ?)", -1, "23505", 31, "again");
        connection.setAutoCommit(false);
        call("SELECT generate_series(1, 40) AS u40", 40, null);
        // A batch is a pipeline with one Sync.
        try (PreparedStatement batch = connection.prepareStatement("INSERT INTO items VALUES (?, ?)")) {
            for (int n = 100; n < 120; n++) {
                batch.setInt(1, n);
                batch.setString(2, "batch");
                batch.addBatch();
            }
            check(batch.executeBatch().length == 20, "batch");
        }
        for (int n = 0; n < 20; n++) {
            System.out.println("{\"text\": \"INSERT INTO items VALUES ($1, $2)\", \"rows\": null, \"code\": null}");
        }
        connection.rollback();
        connection.close();
    }
}
