// openapi-generator's typescript-fetch client: what a publisher and a subscriber do, as a report in JSON.
import {
  AccessApi, type Change, Configuration, type Offer, OfferToJSON, type ProblemDocument, ProblemDocumentFromJSON, PublishApi,
  ReadApi, type Receipt, ReceiptFromJSON, ResponseError,
} from "./client/index";

declare const process: { env: Record<string, string | undefined> };

const REVISION = 9007199254740990;

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const basePath = setting("URL");
const PUBLISHER = setting("PUBLISHER");

async function connected(clientId: string, clientSecret: string): Promise<Configuration> {
  const access = new AccessApi(new Configuration({ basePath }));
  const { accessToken } = await access.issueToken({ grantType: "client_credentials", clientId, clientSecret });
  return new Configuration({ basePath, accessToken });
}

function offer(local: string, revision: number): Offer {
  return {
    id: `${PUBLISHER}:${local}`,
    revision,
    title: "Découverte d'un atelier de menuiserie",
    description: "Observer la fabrication d'un meuble, du dessin à la pose.",
    employer: { name: "Atelier du Port", description: "Menuiserie de douze personnes." },
    location: { postalCode: "35000", city: "Rennes", latitude: 48.1113387, longitude: -1.6800198 },
    levels: new Set(["seconde"] as const),
    weeks: new Set(["2027-W24", "2027-W25"]),
    sector: "s5",
    applyUrl: `https://stages.example/offres/${local}`,
  };
}

async function refused<Body>(status: number, read: (json: unknown) => Body, call: Promise<unknown>): Promise<Body> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ResponseError && error.response.status === status) return read(await error.response.json());
    throw error;
  }
  throw new Error(`not refused with ${status}`);
}

function about(change: Change): string | undefined {
  if (change.op === "upsert") return change.offer?.title;
  return change.op === "removal" ? change.reason : change.op;
}

async function main(): Promise<void> {
  const report: Record<string, unknown> = {};
  const publishing = await connected(PUBLISHER, setting("PUBLISHER_SECRET"));
  const publish = new PublishApi(publishing);
  const read = new ReadApi(await connected(setting("SUBSCRIBER"), setting("SUBSCRIBER_SECRET")));
  const first = offer("first", REVISION);
  const second = offer("second", 1);

  const published = await publish.publishOffer({ id: first.id, offer: first, prefer: "wait=20" });
  report["published"] = [published.verdict, published.revision];
  const judged = await publish.publishOffer({ id: second.id, offer: second, dryRun: true });
  report["judged"] = [judged.status, [...(judged.offer?.levels ?? [])]];
  const wrong = { ...offer("wrong", 1), title: "<b>Atelier</b>" };
  const problem: ProblemDocument = await refused(
    422, ProblemDocumentFromJSON, publish.publishOffer({ id: wrong.id, offer: wrong, dryRun: false }));
  report["refused"] = problem.problems?.map((one) => one.pointer);
  const stale: Receipt = await refused(
    409, ReceiptFromJSON, publish.publishOffer({ id: first.id, offer: offer("first", 7), prefer: "wait=20" }));
  report["stale"] = [stale.verdict, stale.current?.revision];
  report["missing"] = (await refused(404, ProblemDocumentFromJSON, read.getOffer({ id: `${PUBLISHER}:none` }))).code;

  const lines = [OfferToJSON(first), OfferToJSON(second), { count: 2 }].map((one) => `${JSON.stringify(one)}\n`);
  const { mark } = await publish.takeMark();
  const snapshot = await publish.applySnapshot({ mark, body: new Blob(lines), prefer: "wait=20" });
  report["snapshot"] = snapshot.verdicts;
  report["absent"] = snapshot.withdrawn;

  let cursor: string | undefined;
  let isSame = false;
  async function changes(least: number): Promise<Record<string, string | undefined>> {
    const found: Record<string, string | undefined> = {};
    while (Object.keys(found).length < least) {
      const page = await read.getChanges({ platform: [PUBLISHER], territory: "all", cursor, wait: 5 });
      for (const change of page.changes) {
        found[change.id] = about(change);
        isSame ||= change.id === first.id && change.sequence === published.sequence;
      }
      cursor = page.cursor;
    }
    return found;
  }
  report["before"] = await changes(2);
  report["sequence"] = isSame;
  const { location } = (await read.getOffer({ id: first.id })).offer;
  report["degrees"] = [location.latitude, location.longitude];

  const submission = [offer("third", 1), { id: second.id, revision: 2, withdrawn: "filled" } as const];
  report["batch"] = (await publish.publishBatch({ submission, prefer: "wait=20", partial: true })).statuses;
  report["withdrawn"] = (await publish.withdrawOffer({ id: first.id, revision: REVISION + 1, prefer: "wait=20" })).verdict;
  report["after"] = await changes(3);

  const { platforms } = await new AccessApi(publishing).listPlatforms();
  const own = platforms.find((one) => one.platform === PUBLISHER);
  report["connected"] = [own?.connected, own?.since instanceof Date, own?.certifiedUntil === null];
  report["accepted"] = typeof own?.details?.accepted === "number" && !own.details.lastError;
  report["regions without a platform"] = platforms.filter((one) => one.platform === null).length;
  const later = await new ReadApi(new Configuration({ basePath: setting("LATER_URL") })).getChanges();
  report["later"] = later.changes.map(about);
  console.log(JSON.stringify(report));
}

void main();
