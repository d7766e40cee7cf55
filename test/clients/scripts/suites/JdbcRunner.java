// Runs one class of pgjdbc's suite and prints one line of JSON for each test. The suite's own build would have to fetch its tools.
import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

public final class JdbcRunner {
  public static void main(String[] args) {
    PrintStream out = System.out;
    // What the suite prints must not stand in the middle of our lines.
    System.setOut(System.err);
    Map<String, String> env = System.getenv();
    // The suite's own names for what its build would ask for.
    System.setProperty("test.url.PGHOST", env.get("PGHOST"));
    System.setProperty("test.url.PGPORT", env.get("PGPORT"));
    System.setProperty("test.url.PGDBNAME", "test");
    System.setProperty("user", "test");
    System.setProperty("password", env.get("SUITE_PASSWORD"));
    System.setProperty("privilegedUser", env.get("PGUSER"));
    System.setProperty("privilegedPassword", env.get("PGPASSWORD"));
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(args[0])).build();
    Map<String, Integer> seen = new TreeMap<>();
    LauncherFactory.create()
        .execute(
            request,
            new TestExecutionListener() {
              @Override
              public void executionSkipped(TestIdentifier test, String reason) {
                tell(test, "skipped");
              }

              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest() || result.getStatus() == TestExecutionResult.Status.FAILED) tell(test, wordsOf(result));
              }

              private void tell(TestIdentifier test, String outcome) {
                String name = test.getUniqueId().replaceAll("\\[(?:engine|class):[^\\]]*\\]/?", "") + " " + test.getDisplayName();
                int times = seen.merge(name, 1, Integer::sum);
                out.println("@@{\"test\":" + json(name + (times > 1 ? " #" + times : "")) + ",\"outcome\":" + json(outcome) + "}");
              }
            });
    out.flush();
    // Threads that a test left behind must not keep the run.
    Runtime.getRuntime().halt(0);
  }

  private static String wordsOf(TestExecutionResult result) {
    return switch (result.getStatus()) {
      case SUCCESSFUL -> "ok";
      case ABORTED -> "skipped";
      case FAILED -> result.getThrowable().map(Throwable::toString).orElse("failed");
    };
  }

  private static String json(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < ' ' || c > '~') out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
