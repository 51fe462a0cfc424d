#!/usr/bin/env bash
# Jeu complet de la nuit avec curl (7.71 ou plus) : envoie toutes les offres en ligne, les absentes sont retirées.
#   publier.sh offres.ndjson [--confirmer N]
# Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET. sqlite3 (3.38 ou plus) lit le JSON reçu.
# Code de sortie : 0 tout est accepté ; 1 des offres sont à corriger ; 2 rien n’a changé, ou l’issue est inconnue.
set -euo pipefail
travail=$(mktemp -d) # lisible par vous seul : secret et jeton y passent, jamais par la ligne de commande
trap 'rm -rf "$travail"' EXIT
recue="CAST(readfile('$travail/reponse') AS TEXT)"
echec() { echo "$*" >&2; exit 2; }
# Une valeur de la réponse, par son chemin JSON ; vide si elle est absente.
lire() { sqlite3 -bail :memory: "SELECT coalesce($recue ->> '$1', '') WHERE json_valid($recue)"; }

# Après une coupure, un 429 ou un 5xx, l’issue est inconnue : curl attend (Retry-After) et renvoie la même chose.
poster() {
    local code attente retraits motif
    : >"$travail/reponse" >"$travail/entetes"
    code=$(curl -sS -X POST --retry 7 --retry-all-errors --connect-timeout 10 --max-time 900 -o "$travail/reponse" \
        -D "$travail/entetes" -w '%{http_code}' -H 'Accept-Language: fr' "${@:2}" "${PASSERELLE_URL%/}$1") || code=000
    attente=$(awk '/^HTTP/ { a = "" } tolower($1) == "retry-after:" { a = $2 + 0 } END { print a }' "$travail/entetes")
    retraits=$(lire '$.would_withdraw')
    motif="HTTP $code. $(lire '$.detail')$(lire '$.message.fr') $(lire '$.fix')"
    case $code:$attente in
        2*) ;;
        401:*) # le jeton a expiré : un autre, une seule fois
            [[ $1 != /oauth/token && -z ${renouvele-} ]] || echec "$motif"
            renouvele=oui && prendre_jeton && poster "$@" ;;
        409:?*) sleep "$attente" && poster "$@" ;; # le premier envoi est encore en cours
        *) echec "$motif ${retraits:+Si c’est voulu : --confirmer $retraits}" ;;
    esac
}
prendre_jeton() {
    poster /oauth/token --config "$travail/acces" -d grant_type=client_credentials
    echo "Authorization: Bearer $(lire '$.access_token')" >"$travail/jeton"
}

[[ $# -eq 1 || ($# -eq 3 && ${2-} == --confirmer) ]] || echec "Usage : publier.sh offres.ndjson [--confirmer N]"
[[ -r $1 ]] || echec "Fichier illisible : $1"
printf 'user = "%s:%s"\n' "$PASSERELLE_CLIENT_ID" "$PASSERELLE_CLIENT_SECRET" >"$travail/acces"
prendre_jeton
# Le numéro de jeu se prend avant l’export : ce que vous publiez entre-temps ne passe jamais pour absent.
poster /v1/snapshots/marks -H "@$travail/jeton"
numero=$(lire '$.mark')
sed '/^[[:space:]]*$/d' "$1" >"$travail/offres" # ou une requête sur votre base : php export.php >"$travail/offres"
nombre=$(wc -l <"$travail/offres")
echo "{\"count\": $nombre}" >>"$travail/offres" # sans lui, un export coupé retirerait la fin
# Même numéro de jeu et même clé à chaque essai : si la première réponse s’est perdue, la passerelle la redonne.
poster "/v1/snapshots?mark=$numero${3:+&confirm=$3}" -H "@$travail/jeton" -H 'Content-Type: application/x-ndjson' \
    -H 'Prefer: wait=30' -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" --data-binary "@$travail/offres"
# Même un 200 peut porter des refus : une offre refusée compte comme présente et reste telle qu’elle était.
sqlite3 -bail -separator ' ' :memory: "SELECT coalesce(l.value ->> 'id', 'ligne ' || (l.value ->> 'index')),
        p.value ->> 'pointer', ':', p.value ->> 'message', p.value ->> 'fix'
    FROM json_each($recue, '$.results') AS l, json_each(l.value, '$.problems') AS p
    WHERE l.value ->> 'status' IN ('refused', 'stale', 'rejected')" >&2
corriger=$(lire '$.statuses' | tr -cd rsj | wc -c)
attente=$(lire '$.pending')
echo "Envoyées : $nombre ; à corriger : $corriger ; retirées : $(lire '$.withdrawn') ; en attente : ${attente:=0}."
((attente == 0)) || echo "Les décisions suivront : GET $(lire '$.receipts')&verdict=stale,rejected"
((corriger + attente == 0)) || exit 1
