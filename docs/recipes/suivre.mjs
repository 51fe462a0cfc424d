// Suivi des changements en Node 20, avec la commande sqlite3 (3.38 ou plus) : tient à jour une copie des offres.
//   node suivre.mjs offres.db [filtres]       par exemple : node suivre.mjs offres.db 'territory=all&level=seconde'
//   node suivre.mjs offres.db filtres --comparer      une fois par nuit : compare ensuite la copie, et répare ce qui diffère
// Lit jusqu’à la fin du flux, puis s’arrête : lancez-le par cron, toutes les cinq minutes par exemple.
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Code de sortie : 0 la copie est à jour ; 2 elle ne l’est pas, mais reste cohérente : relancez.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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

let jeton;

/** Un GET avec le jeton ; s’il a expiré, un autre, une seule fois. */
async function lire(chemin) {
  for (let renouvele = false; ; renouvele = true) {
    jeton ??= await prendreJeton();
    const recu = await appel(chemin, { headers: { Authorization: `Bearer ${jeton}`, "Accept-Language": "fr" } });
    if (recu[0] !== 401 || renouvele) return recu;
    jeton = undefined;
  }
}

/** Lit jusqu’à la fin du flux et rend la dernière page, qui donne, si on le demande, les empreintes d’un nœud. */
async function suivre(base, filtres, noeud) {
  for (;;) {
    const [{ curseur, generation }] = sql(base, "SELECT curseur, generation FROM flux;");
    const requete = new URLSearchParams(filtres);
    requete.set("limit", "500");
    if (curseur !== "") requete.set("cursor", curseur);
    if (noeud) requete.set("node", noeud);
    const [code, page] = await lire(`/v1/changes${noeud === undefined ? "" : "/digest"}?${requete}`);
    if (code === 200) {
      appliquer(base, page, generation);
      if (!page.more) return page;
    } else if (code === 410) {
      relireDuDebut(base);
    } else {
      echec(motif(code, page));
    }
  }
}

/** Sans vider la copie : l’ancienne génération reste visible jusqu’à la fin du flux. */
const relireDuDebut = (base) => sql(base, "UPDATE flux SET curseur = '', generation = generation + 1;");

const sha256 = (texte) => createHash("sha256").update(texte).digest("hex");
const HEXA = Array.from({ length: 256 }, (_, nombre) => nombre.toString(16).padStart(2, "0"));

/** La forme RFC 8785 : sans blancs, membres triés. */
function canonique(valeur) {
  if (Array.isArray(valeur)) return `[${valeur.map(canonique)}]`;
  if (valeur === null || typeof valeur !== "object") return JSON.stringify(valeur);
  return `{${Object.keys(valeur).sort().map((nom) => `${JSON.stringify(nom)}:${canonique(valeur[nom])}`)}}`;
}

function empreinte(document) {
  try {
    return sha256(canonique(JSON.parse(document)));
  } catch {
    return "illisible";
  }
}

/** Les lignes de la copie, par feuille. */
function lignes(base) {
  const feuilles = {};
  const offres = sql(base, "SELECT id, sequence, document FROM offres WHERE document IS NOT NULL ORDER BY id;");
  for (const { id, sequence, document } of offres)
    (feuilles[sha256(id).slice(0, 4)] ??= []).push(`${id} ${sequence} ${empreinte(document)}\n`);
  return feuilles;
}

/** Les enfants d’un nœud dont l’empreinte n’est pas celle de la passerelle. */
async function differents(base, filtres, noeud) {
  const { children } = await suivre(base, filtres, noeud);
  const feuilles = lignes(base);
  const sous = (nom) => HEXA.map((hexa) => sha256((feuilles[nom + hexa] ?? []).join("")));
  const miens = noeud ? sous(noeud) : HEXA.map((hexa) => sha256(sous(hexa).join("")));
  return HEXA.filter((_, rang) => miens[rang] !== children[rang]).map((hexa) => noeud + hexa);
}

/** Rend la feuille égale : efface ce qui est faux, reprend ce qui manque. Rend le nombre d’offres réparées. */
async function reparer(base, filtres, feuille) {
  const { items } = await suivre(base, filtres, feuille);
  const voulues = new Map(items.map((item) => [`${item.id} ${item.sequence} ${item.digest}\n`, item]));
  const reparees = new Set();
  for (const ligne of lignes(base)[feuille] ?? []) {
    if (voulues.delete(ligne)) continue;
    const [id] = ligne.split(" ");
    sql(base, `DELETE FROM offres WHERE id = ${texteSql(id)};`);
    reparees.add(id);
  }
  for (const { id, sequence } of voulues.values()) {
    reparees.add(id);
    const [code, { sequence: recue, offer }] = await lire(`/v1/offers/${id}`);
    if (code !== 200 || recue !== sequence) continue; // elle vient de changer : le flux l’apporte
    const valeurs = `${texteSql(id)}, ${sequence}, ${texteSql(JSON.stringify(offer))}`;
    sql(base, `INSERT OR REPLACE INTO offres SELECT ${valeurs}, generation FROM flux;`);
  }
  return reparees.size;
}

async function comparer(base, filtres) {
  let nombre = 0;
  const noeuds = await differents(base, filtres, "");
  if (noeuds.length > 128) relireDuDebut(base); // presque tout diffère
  else
    for (const noeud of noeuds)
      for (const feuille of await differents(base, filtres, noeud)) nombre += await reparer(base, filtres, feuille);
  if (noeuds.length > 0 && (await differents(base, filtres, "")).length > 0) echec("La copie diffère encore : relancez.");
  console.log(noeuds.length > 128 ? "Copie relue du début." : `Copie comparée ; offres réparées : ${nombre}.`);
}

const [base, filtres = "", option] = process.argv.slice(2);
if (!base || (option && option !== "--comparer")) echec("Usage : node suivre.mjs offres.db [filtres [--comparer]]");
preparer(base, filtres);
await suivre(base, filtres);
if (option) await comparer(base, filtres);
const [{ nombre }] = sql(base, "SELECT count(document) AS nombre FROM offres;");
console.log(`Copie à jour ; offres en ligne : ${nombre}.`);
