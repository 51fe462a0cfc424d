// Standard Webhooks for Java: which pushes it accepts. A push is five lines of a file: secret, body, three headers as name=value.
import com.standardwebhooks.Webhook;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public final class Verify {
  public static void main(String[] arguments) throws Exception {
    List<String> lines = Files.readAllLines(Path.of(arguments[0]));
    List<Boolean> accepted = new ArrayList<>();
    for (int at = 0; at + 4 < lines.size(); at += 5) {
      Map<String, List<String>> headers = new HashMap<>();
      for (String header : lines.subList(at + 2, at + 5)) {
        headers.put(header.split("=", 2)[0], List.of(header.split("=", 2)[1]));
      }
      try {
        new Webhook(lines.get(at)).verify(lines.get(at + 1), headers);
        accepted.add(true);
      } catch (com.standardwebhooks.exceptions.WebhookVerificationException error) {
        accepted.add(false);
      }
    }
    System.out.println(accepted);
  }
}
