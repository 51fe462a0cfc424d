// openapi-generator's Java client (okhttp-gson): what a publisher and a subscriber do, as a report in JSON.
import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.JSON;
import org.openapitools.client.api.AccessApi;
import org.openapitools.client.api.PublishApi;
import org.openapitools.client.api.ReadApi;
import org.openapitools.client.model.BatchAnswer;
import org.openapitools.client.model.Change;
import org.openapitools.client.model.ChangesPage;
import org.openapitools.client.model.CurrentOffer;
import org.openapitools.client.model.Employer;
import org.openapitools.client.model.Level;
import org.openapitools.client.model.Location;
import org.openapitools.client.model.Offer;
import org.openapitools.client.model.PlatformStatus;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.ProblemDocument;
import org.openapitools.client.model.Receipt;
import org.openapitools.client.model.Sector;
import org.openapitools.client.model.SnapshotResult;
import org.openapitools.client.model.Submission;
import org.openapitools.client.model.SubmissionAnswer;

public final class Journey {
  private static final String PUBLISHER = System.getenv("PUBLISHER");
  private static final long REVISION = 9007199254740990L;

  private static ApiClient client(String url) {
    return new ApiClient().setBasePath(url).setReadTimeout(60_000);
  }

  private static ApiClient connected(String id, String secret) throws ApiException {
    ApiClient client = client(System.getenv("URL"));
    client.setBearerToken(new AccessApi(client).issueToken("client_credentials", null, id, secret, null, null).getAccessToken());
    return client;
  }

  private static Offer offer(String local, long revision) {
    return new Offer()
        .id(PUBLISHER + ":" + local)
        .revision(revision)
        .title("Découverte d'un atelier de menuiserie")
        .description("Observer la fabrication d'un meuble, du dessin à la pose.")
        .employer(new Employer().name("Atelier du Port")._public(false).description("Menuiserie de douze personnes."))
        .location(new Location().postalCode("35000").city("Rennes").latitude(48.1113387).longitude(-1.6800198))
        .levels(new java.util.LinkedHashSet<>(List.of(Level.SECONDE)))
        .weeks(new java.util.LinkedHashSet<>(List.of("2027-W24", "2027-W25")))
        .sector(Sector.S5)
        .applyUrl("https://stages.example/offres/" + local);
  }

  private interface Call {
    void run() throws ApiException;
  }

  private static ApiException refused(int status, Call call) {
    try {
      call.run();
    } catch (ApiException refusal) {
      if (refusal.getCode() == status) {
        return refusal;
      }
      throw new IllegalStateException(refusal.getMessage(), refusal);
    }
    throw new IllegalStateException("not refused with " + status);
  }

  private static String about(Change change) {
    return switch (change.getOp()) {
      case "upsert" -> change.getOffer().getTitle();
      case "removal" -> change.getReason();
      default -> change.getOp();
    };
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> report = new LinkedHashMap<>();
    ApiClient publishing = connected(PUBLISHER, System.getenv("PUBLISHER_SECRET"));
    PublishApi publish = new PublishApi(publishing);
    ReadApi read = new ReadApi(connected(System.getenv("SUBSCRIBER"), System.getenv("SUBSCRIBER_SECRET")));
    Offer first = offer("first", REVISION);
    Offer second = offer("second", 1);

    SubmissionAnswer published = publish.publishOffer(first.getId(), first, null, "wait=20", null);
    report.put("published", List.of(published.getVerdict(), published.getRevision()));
    SubmissionAnswer judged = publish.publishOffer(second.getId(), second, true, null, null);
    report.put("judged", List.of(judged.getStatus(), judged.getOffer().getLevels()));
    Offer wrong = offer("wrong", 1).title("<b>Atelier</b>");
    ProblemDocument problem =
        ProblemDocument.fromJson(refused(422, () -> publish.publishOffer(wrong.getId(), wrong, false, null, null)).getResponseBody());
    report.put("refused", problem.getProblems().stream().map(Problem::getPointer).toList());
    Offer late = offer("first", 7);
    Receipt stale =
        Receipt.fromJson(refused(409, () -> publish.publishOffer(late.getId(), late, null, "wait=20", null)).getResponseBody());
    report.put("stale", List.of(stale.getVerdict(), stale.getCurrent().getRevision()));
    report.put("missing", ProblemDocument.fromJson(
        refused(404, () -> read.getOffer(PUBLISHER + ":none", null)).getResponseBody()).getCode());

    File set = Files.createTempFile("set", ".ndjson").toFile();
    Files.writeString(set.toPath(), JSON.serialize(first) + "\n" + JSON.serialize(second) + "\n{\"count\": 2}\n");
    SnapshotResult snapshot = publish.applySnapshot(publish.takeMark(null).getMark(), set, null, "wait=20", null, null, null);
    report.put("snapshot", snapshot.getVerdicts());
    report.put("absent", snapshot.getWithdrawn());

    Map<String, String> before = new LinkedHashMap<>();
    List<Long> sequences = new ArrayList<>();
    String cursor = null;
    while (before.size() < 2) {
      ChangesPage page = read.getChanges(null, null, null, null, null, List.of(PUBLISHER), null, "all", cursor, null, 5.0);
      for (Change change : page.getChanges()) {
        before.put(change.getId(), about(change));
        if (change.getId().equals(first.getId())) {
          sequences.add(change.getSequence());
        }
      }
      cursor = page.getCursor();
    }
    report.put("before", before);
    report.put("sequence", sequences.contains(published.getSequence()));
    CurrentOffer current = read.getOffer(first.getId(), null);
    report.put("degrees", List.of(current.getOffer().getLocation().getLatitude(), current.getOffer().getLocation().getLongitude()));

    BatchAnswer batch = publish.publishBatch(
        List.of(
            JSON.deserialize(JSON.serialize(offer("third", 1)), Submission.class),
            new Submission().id(second.getId()).revision(2L).withdrawn(Submission.WithdrawnEnum.FILLED)),
        null, "wait=20", true, null, null, null);
    report.put("batch", batch.getStatuses());
    report.put("withdrawn", publish.withdrawOffer(REVISION + 1, first.getId(), null, null, "wait=20", null).getVerdict());
    Map<String, String> after = new LinkedHashMap<>();
    while (after.size() < 3) {
      ChangesPage page = read.getChanges(null, null, null, null, null, List.of(PUBLISHER), null, "all", cursor, null, 5.0);
      page.getChanges().forEach(change -> after.put(change.getId(), about(change)));
      cursor = page.getCursor();
    }
    report.put("after", after);

    for (PlatformStatus status : new AccessApi(publishing).listPlatforms().getPlatforms()) {
      if (PUBLISHER.equals(status.getPlatform())) {
        report.put("connected", List.of(status.getConnected(), status.getSince() != null, status.getCertifiedUntil() == null));
        report.put("accepted", status.getDetails().getAccepted() != null && status.getDetails().getLastError() == null);
      }
    }
    report.put("regions without a platform",
        new AccessApi(publishing).listPlatforms().getPlatforms().stream().filter(one -> one.getPlatform() == null).count());
    List<String> later = new ArrayList<>();
    for (Change change : new ReadApi(client(System.getenv("LATER_URL")))
        .getChanges(null, null, null, null, null, null, null, null, null, null, null).getChanges()) {
      later.add(about(change));
    }
    report.put("later", later);
    System.out.println(JSON.getGson().toJson(report));
    System.exit(0); // okhttp's threads would keep it for a minute
  }
}
