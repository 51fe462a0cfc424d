<?php
// Réception des envois en PHP 8 (extension pdo_sqlite) : tient à jour la même copie que suivre.php, sans tâche qui tourne.
// C’est la page de votre serveur web que nomme l’URL de l’abonnement (https, port 443), par exemple /passerelle/recevoir.php.
// Variables du serveur web (SetEnv, env[…] de php-fpm) :
//   PASSERELLE_COPIE      le fichier de la copie, hors de ce que le serveur web publie ; pas celui que suivre.php tient
//   PASSERELLE_SECRETS    le secret de l’abonnement (whsec_…) ; pendant un renouvellement, les deux, séparés par un espace
// Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Réponses : 204 la page est enregistrée ; 401 la signature n’est pas la bonne ; 400 ce n’est pas une page ; 503 renvoyez.

const FORME = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS | JSON_PRESERVE_ZERO_FRACTION;
const TOLERANCE = 300; // secondes
const CLE_MINIMALE = 16; // octets : une clé plus courte se devine, ou n’a pas été réglée

function repondre(int $code, string $texte = ''): never {
    if ($texte !== '') error_log("passerelle : $texte");
    http_response_code($code);
    exit;
}

/** Les clés de l’abonnement. Sans secret lisible, rien n’est reçu. */
function cles(): array {
    $cles = [];
    foreach (preg_split('/\s+/', trim((string) getenv('PASSERELLE_SECRETS'))) as $secret) {
        $cle = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
        if ($cle === false || strlen($cle) < CLE_MINIMALE) repondre(503, 'PASSERELLE_SECRETS ne contient pas un secret whsec_….');
        $cles[] = $cle;
    }
    return $cles;
}

/** Standard Webhooks : une signature v1 au moins est de l’une des clés, sur les octets reçus, et date de cinq minutes au plus. */
function verifier(string $corps): void {
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $instant = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $offertes = explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '');
    if ($id === '' || !preg_match('/^\d{1,15}$/D', $instant)) repondre(401, 'en-têtes webhook-id ou webhook-timestamp absents.');
    $signee = false;
    foreach (cles() as $cle) {
        $attendue = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$instant.$corps", $cle, true));
        foreach ($offertes as $offerte) $signee = hash_equals($attendue, $offerte) || $signee; // en temps constant
    }
    if (!$signee) repondre(401, 'aucune signature n’est de cet abonnement.');
    if (abs(time() - (int) $instant) > TOLERANCE) repondre(401, 'envoi de plus de cinq minutes : rejeu, ou horloge à régler.');
}

/** La page ; ses objets restent des objets. */
function lire(string $corps): stdClass {
    $page = json_decode($corps);
    $entiere = $page instanceof stdClass && is_array($page->changes ?? null) && is_bool($page->more ?? null)
        && is_int($page->generation ?? null);
    foreach ($entiere ? $page->changes : [] as $un) {
        $entiere = $entiere && is_string($un->id ?? null) && is_int($un->sequence ?? null)
            && (($un->op ?? null) === 'removal' || (($un->op ?? null) === 'upsert' && ($un->offer ?? null) instanceof stdClass));
    }
    return $entiere ? $page : repondre(400, 'le corps n’est pas une page.');
}

/** Une offre retirée garde sa ligne, sans document : sa séquence écarte un changement plus ancien qui arriverait après. */
function ouvrir(string $fichier): PDO {
    $base = new PDO("sqlite:$fichier");
    $base->setAttribute(PDO::ATTR_TIMEOUT, 10);
    $base->exec('BEGIN IMMEDIATE'); // un envoi à la fois
    $base->exec(<<<'SQL'
        CREATE TABLE IF NOT EXISTS offres (
            id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, document TEXT, generation INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS flux (
            seul INTEGER PRIMARY KEY CHECK (seul = 1), curseur TEXT NOT NULL, generation INTEGER NOT NULL,
            filtres TEXT NOT NULL);
        INSERT OR IGNORE INTO flux VALUES (1, '', 0, 'envois');
        SQL);
    return $base;
}

/** Applique la page entière, ou rien ; celle d’une génération antérieure n’apprend plus rien. */
function appliquer(PDO $base, stdClass $page): void {
    ['generation' => $connue, 'filtres' => $filtres] = $base->query('SELECT generation, filtres FROM flux')->fetch();
    if ($filtres !== 'envois') repondre(503, 'cette copie est celle de suivre.php : donnez un autre fichier aux envois.');
    if ($page->generation < $connue) return;
    $poser = $base->prepare(<<<'SQL'
        INSERT INTO offres VALUES (:id, :sequence, :document, :generation)
        ON CONFLICT (id) DO UPDATE SET
            sequence = excluded.sequence, document = excluded.document, generation = excluded.generation
        WHERE excluded.sequence > offres.sequence OR excluded.generation > offres.generation
        SQL);
    foreach ($page->changes as $changement) {
        $poser->execute([
            'id' => $changement->id,
            'sequence' => $changement->sequence,
            'document' => $changement->op === 'upsert' ? json_encode($changement->offer, FORME) : null,
            'generation' => $page->generation,
        ]);
    }
    // Fin de la lecture : ce que cette génération n’a pas nommé n’existe plus.
    if (!$page->more) $base->exec("DELETE FROM offres WHERE generation < $page->generation");
    $base->exec("UPDATE flux SET generation = $page->generation");
}

$corps = (string) file_get_contents('php://input');
verifier($corps);
$page = lire($corps);
$copie = (string) getenv('PASSERELLE_COPIE');
if ($copie === '') repondre(503, 'PASSERELLE_COPIE n’est pas réglée.'); // SQLite prendrait un fichier temporaire
if (isset($page->code)) repondre(204, "code à confirmer : $page->code");
try {
    $base = ouvrir($copie);
    appliquer($base, $page);
    $base->exec('COMMIT'); // sur le disque : alors seulement 204
} catch (PDOException $echec) {
    repondre(503, $echec->getMessage());
}
repondre(204);
