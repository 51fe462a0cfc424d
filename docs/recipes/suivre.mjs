// Suivi des changements en Node 20, avec la commande sqlite3 (3.38 ou plus) : tient à jour une copie des offres.
//   node suivre.mjs offres.db [filtres]       par exemple : node suivre.mjs offres.db 'territory=all&level=seconde'
// Lit jusqu’à la fin du flux, puis s’arrête : lancez-le par cron, toutes les cinq minutes par exemple.
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Code de sortie : 0 la copie est à jour ; 2 elle ne l’est pas, mais reste cohérente : relancez.

import { spawnSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

const { PASSERELLE_URL, PASSERELLE_CLIENT_ID: client_id, PASSERELLE_CLIENT_SECRET: client_secret } = process.env;

function echec(texte) {
  console.error(texte);
  process.exit(2);
}

/** Une chaîne SQL : l’apostrophe est doublée, rien d’autre n’y a de sens. */
const texteSql = (texte) => `'${texte.replaceAll("'", "''")}'`;

/** Exécute des ordres SQL par la commande sqlite3 ; rend les lignes du dernier SELECT. */
function sql(base, ordres) {
  const { status, stdout, stderr, error } = spawnSync("sqlite3", ["-bail", "-json", "-cmd", ".timeout 10000", base], {
    input: ordres,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error || status !== 0) echec(`sqlite3 : ${error?.message ?? stderr.trim()}`);
  return stdout.trim() === "" ? [] : JSON.parse(stdout);
}

/** Le code HTTP et le corps JSON ; huit essais au plus après une coupure, un 429 ou un 5xx. */
async function appel(chemin, options) {
  for (let essai = 1; ; essai++) {
    const signal = AbortSignal.timeout(120_000);
    const [code, attente, texte] = await fetch(`${PASSERELLE_URL}`.replace(/\/$/, "") + chemin, { ...options, signal })
      .then(async (recue) => [recue.status, recue.headers.get("retry-after"), await recue.text()])
      .catch((panne) => [0, null, panne.cause?.message || panne.message]);
    if (code !== 0 && code !== 429 && code < 500) return [code, texte.startsWith("{") ? JSON.parse(texte) : {}];
    if (essai === 8) echec(`HTTP ${code}, après huit essais. ${texte.slice(0, 200)}`);
    await pause(1000 * (attente ?? Math.min(2 ** (essai - 1), 60)));
  }
}

function motif(code, reponse) {
  return `HTTP ${code}. ${reponse.detail ?? reponse.message?.fr ?? ""} ${reponse.fix ?? ""}`;
}

async function prendreJeton() {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  const [code, reponse] = await appel("/oauth/token", { method: "POST", body });
  if (code !== 200) echec(motif(code, reponse));
  return reponse.access_token;
}

/** Une offre retirée garde sa ligne, sans document : sa séquence écarte un changement plus ancien qui arriverait après. */
function preparer(base, filtres) {
  sql(
    base,
    `CREATE TABLE IF NOT EXISTS offres (
       id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, document TEXT, generation INTEGER NOT NULL);
     CREATE TABLE IF NOT EXISTS flux (
       seul INTEGER PRIMARY KEY CHECK (seul = 1), curseur TEXT NOT NULL, generation INTEGER NOT NULL,
       filtres TEXT NOT NULL);
     INSERT OR IGNORE INTO flux VALUES (1, '', 1, ${texteSql(filtres)});
     -- Le curseur appartient à ses filtres : quand ils changent, on relit du début.
     UPDATE flux SET curseur = '', generation = generation + 1, filtres = ${texteSql(filtres)}
       WHERE filtres <> ${texteSql(filtres)};`,
  );
}

/** Applique une page et garde son curseur dans la même transaction : ni trou ni doublon si le script s’arrête là. */
function appliquer(base, page, generation) {
  // Fin du flux : ce que cette lecture n’a pas revu depuis le début n’existe plus.
  const fin = page.more ? "" : `DELETE FROM offres WHERE generation < ${generation};`;
  sql(
    base,
    `BEGIN IMMEDIATE;
     INSERT INTO offres
       SELECT json_extract(value, '$.id'), json_extract(value, '$.sequence'), json_extract(value, '$.offer'), ${generation}
       FROM json_each(${texteSql(JSON.stringify(page.changes))}) WHERE true
       ON CONFLICT (id) DO UPDATE SET
         sequence = excluded.sequence, document = excluded.document, generation = excluded.generation
       WHERE excluded.sequence > offres.sequence OR excluded.generation > offres.generation;
     ${fin}
     UPDATE flux SET curseur = ${texteSql(page.cursor)};
     COMMIT;`,
  );
}

async function suivre(base, filtres) {
  let jeton = await prendreJeton(), renouvele = false;
  for (;;) {
    const [{ curseur, generation }] = sql(base, "SELECT curseur, generation FROM flux;");
    const requete = new URLSearchParams(filtres);
    requete.set("limit", "500");
    if (curseur !== "") requete.set("cursor", curseur);
    const headers = { Authorization: `Bearer ${jeton}`, "Accept-Language": "fr" };
    const [code, page] = await appel(`/v1/changes?${requete}`, { headers });
    if (code === 200) {
      appliquer(base, page, generation);
      renouvele = false;
      if (!page.more) return;
    } else if (code === 410) {
      // Relire du début, sans vider la copie : l’ancienne génération reste visible jusqu’à la fin du flux.
      sql(base, "UPDATE flux SET curseur = '', generation = generation + 1;");
    } else if (code === 401 && !renouvele) { // le jeton a expiré : un autre, une seule fois
      jeton = await prendreJeton();
      renouvele = true;
    } else {
      echec(motif(code, page));
    }
  }
}

const [base, filtres = ""] = process.argv.slice(2);
if (!base) echec("Usage : node suivre.mjs offres.db [filtres]");
preparer(base, filtres);
await suivre(base, filtres);
const [{ nombre }] = sql(base, "SELECT count(document) AS nombre FROM offres;");
console.log(`Copie à jour ; offres en ligne : ${nombre}.`);
