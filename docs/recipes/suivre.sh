#!/usr/bin/env bash
# Suivi des changements avec curl (7.71 ou plus) et sqlite3 (3.38 ou plus) : tient à jour une copie des offres.
#   suivre.sh offres.db [filtres]              par exemple : suivre.sh offres.db 'territory=all&level=seconde'
# Lit jusqu’à la fin du flux, puis s’arrête : lancez-le par cron, toutes les cinq minutes par exemple.
# Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
# Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
# Code de sortie : 0 la copie est à jour ; 2 elle ne l’est pas, mais reste cohérente : relancez.
set -euo pipefail

travail=$(mktemp -d) # lisible par vous seul : le secret et le jeton y passent, jamais par la ligne de commande
trap 'rm -rf "$travail"' EXIT

echec() { echo "$*" >&2; exit 2; }

# Exécute des ordres SQL ; une base occupée par un autre lecteur est attendue dix secondes.
sql() {
    sqlite3 -bail -cmd '.timeout 10000' "$base" "$1" || echec "La base $base ne peut être lue ou écrite."
}

# Une valeur de la réponse, par son chemin JSON ; vide si elle est absente.
lire() {
    sqlite3 -bail :memory: "WITH recue AS (SELECT CAST(readfile('$travail/reponse') AS TEXT) AS r)
        SELECT coalesce(r ->> '$1', '') FROM recue WHERE json_valid(r)"
}

# Un appel, que curl répète après une coupure, un 429 ou un 5xx (Retry-After) ; le code HTTP est dans $code.
appel() {
    code=$(curl -sS --compressed --retry 7 --retry-all-errors --connect-timeout 10 --max-time 120 -o "$travail/reponse" \
        -w '%{http_code}' -H 'Accept-Language: fr' "${@:2}" "${PASSERELLE_URL%/}$1") || echec "HTTP $code, après huit essais."
}

motif() { echo "HTTP $code. $(lire '$.detail')$(lire '$.message.fr') $(lire '$.fix')"; }

prendre_jeton() {
    printf 'user = "%s:%s"\n' "$PASSERELLE_CLIENT_ID" "$PASSERELLE_CLIENT_SECRET" >"$travail/acces"
    appel /oauth/token --config "$travail/acces" -d grant_type=client_credentials
    [[ $code == 200 ]] || echec "$(motif)"
    echo "Authorization: Bearer $(lire '$.access_token')" >"$travail/jeton"
}

# Applique la page et garde son curseur dans la même transaction : ni trou ni doublon si le script s’arrête là.
# Fin du flux (more vaut 0) : ce que cette lecture n’a pas revu depuis le début n’existe plus.
appliquer() {
    sql "BEGIN IMMEDIATE;
        CREATE TEMP TABLE page AS SELECT CAST(readfile('$travail/reponse') AS TEXT) AS r;
        INSERT INTO offres
            SELECT value ->> 'id', value ->> 'sequence', value -> 'offer', $generation
            FROM page, json_each(r, '$.changes') WHERE true
            ON CONFLICT (id) DO UPDATE SET
                sequence = excluded.sequence, document = excluded.document, generation = excluded.generation
            WHERE excluded.sequence > offres.sequence OR excluded.generation > offres.generation;
        DELETE FROM offres WHERE generation < $generation AND (SELECT r ->> 'more' FROM page) = 0;
        UPDATE flux SET curseur = (SELECT r ->> 'cursor' FROM page);
        COMMIT;"
}

(($#)) || echec "Usage : suivre.sh offres.db [filtres]"
base=$1
filtres=${2-}
[[ $filtres != *\'* ]] || echec "Les filtres ne contiennent pas d’apostrophe."

# Une offre retirée garde sa ligne, sans document : sa séquence écarte un changement plus ancien qui arriverait après.
# Le curseur appartient à ses filtres : quand ils changent, on relit du début.
sql "CREATE TABLE IF NOT EXISTS offres (
        id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, document TEXT, generation INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS flux (
        seul INTEGER PRIMARY KEY CHECK (seul = 1), curseur TEXT NOT NULL, generation INTEGER NOT NULL,
        filtres TEXT NOT NULL);
    INSERT OR IGNORE INTO flux VALUES (1, '', 1, '$filtres');
    UPDATE flux SET curseur = '', generation = generation + 1, filtres = '$filtres' WHERE filtres <> '$filtres';"

prendre_jeton
renouvele=
while :; do
    curseur=$(sql "SELECT curseur FROM flux")
    generation=$(sql "SELECT generation FROM flux")
    appel "/v1/changes?limit=500${filtres:+&$filtres}${curseur:+&cursor=$curseur}" -H "@$travail/jeton"
    case $code in
        200)
            renouvele=
            appliquer
            [[ $(lire '$.more') == 1 ]] || break ;;
        401) # le jeton a expiré : un autre, une seule fois
            [[ -z $renouvele ]] || echec "$(motif)"
            prendre_jeton
            renouvele=oui ;;
        410) # relire du début, sans vider la copie : l’ancienne génération reste visible jusqu’à la fin du flux
            sql "UPDATE flux SET curseur = '', generation = generation + 1" ;;
        *) echec "$(motif)" ;;
    esac
done
echo "Copie à jour ; offres en ligne : $(sql "SELECT count(document) FROM offres")."
