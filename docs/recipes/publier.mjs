// Jeu complet de la nuit en Node 20, sans paquet : envoie toutes les offres en ligne, les absentes sont retirées.
//   node publier.mjs offres.ndjson [--confirmer N]
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Code de sortie : 0 tout est accepté ; 1 des offres sont à corriger ; 2 rien n’a changé, ou l’issue est inconnue.
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const { PASSERELLE_URL, PASSERELLE_CLIENT_ID: client_id, PASSERELLE_CLIENT_SECRET: client_secret } = process.env;
let jeton, renouvele = false;
function echec(texte) {
  console.error(texte);
  process.exit(2);
}

/** Coupure, 429, 5xx, 409 avec Retry-After : l’issue est inconnue, la même chose est renvoyée, huit fois au plus. */
async function poster(chemin, body, entetes) {
  for (let essai = 1; ; essai++) {
    if (!jeton && chemin !== "/oauth/token") {
      const acces = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
      jeton = { Authorization: `Bearer ${(await poster("/oauth/token", acces)).access_token}` };
    }
    const headers = { "Accept-Language": "fr", ...jeton, ...entetes };
    const options = { method: "POST", headers, body, signal: AbortSignal.timeout(900_000) };
    const [code, attente, texte] = await fetch(`${PASSERELLE_URL}`.replace(/\/$/, "") + chemin, options)
      .then(async (recue) => [recue.status, recue.headers.get("retry-after"), await recue.text()])
      .catch((panne) => [0, null, panne.cause?.message || panne.message]);
    const reponse = texte.startsWith("{") ? JSON.parse(texte) : { detail: texte.slice(0, 200) };
    if (code >= 200 && code < 300) return reponse;
    if (code === 401 && jeton && !renouvele) { // le jeton a expiré : un autre, une seule fois
      [jeton, renouvele] = [undefined, true];
      continue;
    }
    const inconnue = code === 0 || code === 429 || code >= 500 || (code === 409 && attente !== null);
    const motif = `HTTP ${code}. ${reponse.detail ?? reponse.message?.fr}`;
    const retraits = reponse.would_withdraw && `Si c’est voulu : --confirmer ${reponse.would_withdraw}`;
    if (!inconnue) echec(`${motif} ${retraits ?? reponse.fix ?? ""}`);
    if (essai === 8) echec(`${motif} Après huit essais, l’issue reste inconnue : recommencez plus tard.`);
    await pause(1000 * (attente ?? Math.min(2 ** (essai - 1), 60)));
  }
}

const [fichier, option, confirmer] = process.argv.slice(2);
if (!fichier || (option && option !== "--confirmer")) echec("Usage : node publier.mjs offres.ndjson [--confirmer N]");
if (!existsSync(fichier)) echec(`Fichier illisible : ${fichier}`);
// Le numéro de jeu se prend avant de lire les offres : ce que vous publiez entre-temps ne passe jamais pour absent.
const chemin = `/v1/snapshots?mark=${(await poster("/v1/snapshots/marks")).mark}${option ? `&confirm=${confirmer}` : ""}`;
const offres = readFileSync(fichier, "utf8").split("\n").filter((ligne) => ligne.trim()); // ou une requête sur votre base
const jeu = [...offres, JSON.stringify({ count: offres.length }), ""]; // sans le nombre, un export coupé retirerait la fin
// Même numéro de jeu et même clé à chaque essai : si la première réponse s’est perdue, la passerelle la redonne.
const entetes = { "Content-Type": "application/x-ndjson", Prefer: "wait=30", "Idempotency-Key": randomUUID() };
const { results, statuses, withdrawn, pending = 0, receipts } = await poster(chemin, jeu.join("\n"), entetes);
// Même un 200 peut porter des refus : une offre refusée compte comme présente et reste telle qu’elle était.
for (const { id, index, status, problems = [] } of results)
  for (const { pointer, message, fix } of ["refused", "stale", "rejected"].includes(status) ? problems : [])
    console.error(`${id ?? `ligne ${index}`} ${pointer} : ${message} ${fix}`);
const corriger = statuses.replace(/[^rsj]/g, "").length;
console.log(`Envoyées : ${offres.length} ; à corriger : ${corriger} ; retirées : ${withdrawn} ; en attente : ${pending}.`);
if (pending) console.log(`Les décisions suivront : GET ${receipts}&verdict=stale,rejected`);
process.exitCode = corriger + pending ? 1 : 0;
