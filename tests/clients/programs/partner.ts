// What both programs share: the partners of this run, an offer, and the report that the test reads.
import type { components } from "./contract";

declare const process: { env: Record<string, string | undefined> };

export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export const url = setting("URL");
export const publisher = { id: setting("PUBLISHER"), secret: setting("PUBLISHER_SECRET") };
export const subscriber = { id: setting("SUBSCRIBER"), secret: setting("SUBSCRIBER_SECRET") };

export function offer(local: string): components["schemas"]["Offer"] {
  return {
    id: `${publisher.id}:${local}`,
    revision: 1,
    title: "Découverte d'un atelier de menuiserie",
    description: "Observer la fabrication d'un meuble, du dessin à la pose.",
    employer: { name: "Atelier du Port", description: "Menuiserie de douze personnes." },
    location: { street: "4 quai Lamennais", postal_code: "35000", city: "Rennes" },
    levels: ["seconde"],
    weeks: ["2027-W24", "2027-W25"],
    sector: "s5",
    apply_url: `https://stages.example/offres/${local}`,
  };
}

export function lines(...documents: unknown[]): string {
  return documents.map((one) => `${JSON.stringify(one)}\n`).join("");
}

export function told<T>(what: string, answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(`${what}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

export type Report = {
  published: string | undefined;
  snapshot: Record<string, number>;
  withdrawn: number;
  changes: Record<string, string | undefined>;
  refused: string[];
};
