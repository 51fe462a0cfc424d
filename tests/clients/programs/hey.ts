// The client of @hey-api/openapi-ts: publishes, sends a snapshot, reads the changes, prints a report.
import { createClient } from "./hey/client";
import * as passerelle from "./hey/sdk.gen";
import { lines, offer, publisher, type Report, subscriber, told, url } from "./partner";

async function connected(partner: { id: string; secret: string }) {
  const client = createClient({ baseUrl: url });
  const body = { grant_type: "client_credentials", client_id: partner.id, client_secret: partner.secret } as const;
  const token = told("token", await passerelle.issueToken({ client, body }));
  return createClient({ baseUrl: url, auth: token.access_token });
}

async function main(): Promise<void> {
  const publishing = await connected(publisher);
  const first = offer("hey-1");
  const put = await passerelle.publishOffer({
    client: publishing,
    path: { id: first.id },
    headers: { Prefer: "wait=20" },
    body: first,
  });
  const receipt = told("publish", put);

  const wrong = await passerelle.publishOffer({
    client: publishing,
    path: { id: `${publisher.id}:wrong` },
    body: { ...offer("wrong"), title: "" },
  });
  const refused = wrong.error && "problems" in wrong.error ? (wrong.error.problems ?? []) : [];

  const { mark } = told("mark", await passerelle.takeMark({ client: publishing }));
  const set = await passerelle.applySnapshot({
    client: publishing,
    query: { mark },
    headers: { Prefer: "wait=20" },
    body: new Blob([lines(first, offer("hey-2"), { count: 2 })]),
  });
  const snapshot = told("snapshot", set);

  const reading = await connected(subscriber);
  const changes: Record<string, string | undefined> = {};
  let cursor: string | undefined;
  for (let page = 0, more = true; page < 20 && (more || Object.keys(changes).length < 2); page++) {
    const query = { territory: "all" as const, platform: [publisher.id], wait: 5, ...(cursor ? { cursor } : {}) };
    const answer = told("changes", await passerelle.getChanges({ client: reading, query }));
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
