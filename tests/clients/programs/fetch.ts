// openapi-typescript's types with openapi-fetch: publishes, sends a snapshot, reads the changes, prints a report.
import createClient from "openapi-fetch";
import type { components, paths } from "./contract";
import { lines, offer, publisher, type Report, subscriber, told, url } from "./partner";

async function connected(partner: { id: string; secret: string }) {
  const client = createClient<paths>({ baseUrl: url });
  const answer = await client.POST("/oauth/token", {
    body: { grant_type: "client_credentials", client_id: partner.id, client_secret: partner.secret },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    bodySerializer: (body) => new URLSearchParams(body as Record<string, string>).toString(),
  });
  const token = told("token", answer);
  return createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token.access_token}` } });
}

async function main(): Promise<void> {
  const publishing = await connected(publisher);
  const first = offer("fetch-1");
  const put = await publishing.PUT("/v1/offers/{id}", {
    params: { path: { id: first.id }, header: { Prefer: "wait=20" } },
    body: first,
  });
  const receipt = told("publish", put);

  const wrong = await publishing.PUT("/v1/offers/{id}", {
    params: { path: { id: `${publisher.id}:wrong` } },
    body: { ...offer("wrong"), title: "" },
  });
  const refused = (wrong.error as components["schemas"]["ProblemDocument"] | undefined)?.problems ?? [];

  const { mark } = told("mark", await publishing.POST("/v1/snapshots/marks"));
  const set = await publishing.POST("/v1/snapshots", {
    params: { query: { mark }, header: { Prefer: "wait=20" } },
    body: lines(first, offer("fetch-2"), { count: 2 }),
    bodySerializer: (body) => body,
    headers: { "Content-Type": "application/x-ndjson" },
  });
  const snapshot = told("snapshot", set);

  const reading = await connected(subscriber);
  const changes: Record<string, string | undefined> = {};
  let cursor: string | undefined;
  for (let page = 0, more = true; page < 20 && (more || Object.keys(changes).length < 2); page++) {
    const query = { territory: "all" as const, platform: [publisher.id], wait: 5, ...(cursor ? { cursor } : {}) };
    const answer = told("changes", await reading.GET("/v1/changes", { params: { query } }));
    for (const change of answer.changes) {
      changes[change.id] = change.op === "upsert" ? change.offer?.title : change.reason;
    }
    ({ cursor, more } = answer);
  }
  const report: Report = {
    published: receipt.verdict,
    snapshot: snapshot.verdicts ?? {},
    withdrawn: snapshot.withdrawn,
    changes,
    refused: refused.map((one) => one.pointer),
  };
  console.log(JSON.stringify(report));
}

void main();
