// Réception des envois en Node 20, avec la commande sqlite3 (3.38 ou plus) : tient à jour la même copie que suivre.mjs.
//   node recevoir.mjs envois.db [port]        écoute sur 127.0.0.1, port 8090 ; votre serveur web y transmet, en https
// Variable : PASSERELLE_SECRETS, le secret de l’abonnement (whsec_…) ; pendant un renouvellement, les deux, séparés par un espace.
// Le fichier n’est pas celui que suivre.mjs tient. Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Réponses : 204 la page est enregistrée ; 401 la signature n’est pas la bonne ; 400 ce n’est pas une page ; 503 renvoyez.

import { spawnSync } from "node:child_process";
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const TOLERANCE = 300; // secondes
const CLE_MINIMALE = 16; // octets : une clé plus courte se devine, ou n’a pas été réglée
const OCTETS_MAXIMAUX = 1024 * 1024;

function echec(texte) {
  console.error(texte);
  process.exit(2);
}

const [base, port = "8090"] = process.argv.slice(2);
if (!base) echec("Usage : node recevoir.mjs envois.db [port]");
const CLES = (process.env.PASSERELLE_SECRETS ?? "")
  .trim()
  .split(/\s+/)
  .map((secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
if (CLES.some((cle) => cle.length < CLE_MINIMALE)) echec("PASSERELLE_SECRETS ne contient pas un secret whsec_….");

/** Une chaîne SQL : l’apostrophe est doublée, rien d’autre n’y a de sens. */
const texteSql = (texte) => `'${texte.replaceAll("'", "''")}'`;

/** Exécute des ordres SQL par la commande sqlite3 ; rend les lignes du dernier SELECT. Lève une erreur si rien n’est enregistré. */
function sql(ordres) {
  const { status, stdout, stderr, error } = spawnSync("sqlite3", ["-bail", "-json", "-cmd", ".timeout 10000", base], {
    input: ordres,
    encoding: "utf8",
  });
  if (error || status !== 0) throw new Error(`sqlite3 : ${error?.message ?? stderr.trim()}`);
  return stdout.trim() === "" ? [] : JSON.parse(stdout);
}

/** Standard Webhooks : une signature v1 au moins est de l’une des clés, sur les octets reçus, et date de cinq minutes au plus. */
function refus(entetes, corps) {
  const { "webhook-id": id = "", "webhook-timestamp": instant = "", "webhook-signature": signatures = "" } = entetes;
  if (id === "" || !/^\d{1,15}$/.test(instant)) return "en-têtes webhook-id ou webhook-timestamp absents.";
  let signee = false;
  for (const cle of CLES) {
    const attendue = Buffer.from(`v1,${createHmac("sha256", cle).update(`${id}.${instant}.`).update(corps).digest("base64")}`);
    for (const offerte of signatures.split(" ").map((une) => Buffer.from(une)))
      signee = (offerte.length === attendue.length && timingSafeEqual(offerte, attendue)) || signee; // en temps constant
  }
  if (!signee) return "aucune signature n’est de cet abonnement.";
  const age = Math.abs(Date.now() / 1000 - Number(instant));
  return age > TOLERANCE ? "envoi de plus de cinq minutes : rejeu, ou horloge à régler." : "";
}

/** La page, ou rien. */
function lire(corps) {
  let page;
  try {
    page = JSON.parse(corps.toString("utf8"));
  } catch {
    return undefined;
  }
  const entiere = Array.isArray(page?.changes) && typeof page.more === "boolean" && Number.isSafeInteger(page.generation);
  const objet = (valeur) => valeur !== null && typeof valeur === "object" && !Array.isArray(valeur);
  const lisible = (un) =>
    objet(un) &&
    typeof un.id === "string" &&
    Number.isSafeInteger(un.sequence) &&
    (un.op === "removal" || (un.op === "upsert" && objet(un.offer)));
  return entiere && page.changes.every(lisible) ? page : undefined;
}

/** Applique la page entière, ou rien ; celle d’une génération antérieure n’apprend plus rien. */
function appliquer({ changes, more, generation }) {
  // Fin de la lecture : ce que cette génération n’a pas nommé n’existe plus.
  const present = `EXISTS (SELECT 1 FROM flux WHERE generation = ${generation} AND filtres = 'envois')`;
  const fin = more ? "" : `DELETE FROM offres WHERE generation < ${generation} AND ${present};`;
  const [{ filtres }] = sql(
    `BEGIN IMMEDIATE;
     -- Une offre retirée garde sa ligne, sans document : sa séquence écarte un changement plus ancien qui arriverait après.
     CREATE TABLE IF NOT EXISTS offres (
       id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, document TEXT, generation INTEGER NOT NULL);
     CREATE TABLE IF NOT EXISTS flux (
       seul INTEGER PRIMARY KEY CHECK (seul = 1), curseur TEXT NOT NULL, generation INTEGER NOT NULL,
       filtres TEXT NOT NULL);
     INSERT OR IGNORE INTO flux VALUES (1, '', 0, 'envois');
     UPDATE flux SET generation = max(generation, ${generation}) WHERE filtres = 'envois';
     INSERT INTO offres
       SELECT json_extract(value, '$.id'), json_extract(value, '$.sequence'), json_extract(value, '$.offer'), ${generation}
       FROM json_each(${texteSql(JSON.stringify(changes))}) WHERE ${present}
       ON CONFLICT (id) DO UPDATE SET
         sequence = excluded.sequence, document = excluded.document, generation = excluded.generation
       WHERE excluded.sequence > offres.sequence OR excluded.generation > offres.generation;
     ${fin}
     COMMIT;
     SELECT filtres FROM flux;`,
  );
  if (filtres !== "envois") throw new Error("cette copie est celle de suivre.mjs : donnez un autre fichier aux envois.");
}

/** Le code HTTP de la réponse, et un texte pour le journal. */
function recevoir(entetes, corps) {
  const motif = refus(entetes, corps);
  if (motif) return [401, motif];
  const page = lire(corps);
  if (page === undefined) return [400, "le corps n’est pas une page."];
  if (page.code !== undefined) return [204, `code à confirmer : ${page.code}`];
  try {
    appliquer(page); // sur le disque : alors seulement 204
    return [204, ""];
  } catch (panne) {
    return [503, panne.message];
  }
}

const serveur = createServer((demande, reponse) => {
  const morceaux = [];
  let octets = 0;
  demande.on("error", () => reponse.destroy());
  demande.on("data", (morceau) => {
    octets += morceau.length;
    if (octets > OCTETS_MAXIMAUX) demande.destroy();
    else morceaux.push(morceau);
  });
  demande.on("end", () => {
    const [code, texte] = recevoir(demande.headers, Buffer.concat(morceaux));
    if (texte) console.error(`passerelle : ${texte}`);
    reponse.writeHead(code).end();
  });
});
serveur.listen(Number(port), "127.0.0.1", () => console.log(`Écoute sur 127.0.0.1:${serveur.address().port}.`));
