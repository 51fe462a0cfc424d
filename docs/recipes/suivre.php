<?php
// Suivi des changements en PHP 8 (extensions curl et pdo_sqlite) : tient à jour une copie des offres dans SQLite.
//   php suivre.php offres.db [filtres]        par exemple : php suivre.php offres.db 'territory=all&level=seconde'
// Lit jusqu’à la fin du flux, puis s’arrête : lancez-le par cron, toutes les cinq minutes par exemple.
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Code de sortie : 0 la copie est à jour ; 2 elle ne l’est pas, mais reste cohérente : relancez.

const FORME = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION;

function echec(string $texte): never {
    fwrite(STDERR, "$texte\n");
    exit(2);
}

/** Le code HTTP et le corps JSON ; huit essais au plus après une coupure, un 429 ou un 5xx. */
function appel(string $chemin, array $options): array {
    for ($essai = 1; ; $essai++) {
        $curl = curl_init(rtrim((string) getenv('PASSERELLE_URL'), '/') . $chemin);
        curl_setopt_array($curl, $options + [CURLOPT_RETURNTRANSFER => true, CURLOPT_HEADER => true, CURLOPT_ENCODING => '']);
        curl_setopt_array($curl, [CURLOPT_CONNECTTIMEOUT => 10, CURLOPT_TIMEOUT => 120]);
        $texte = (string) curl_exec($curl);
        $code = curl_errno($curl) === 0 ? curl_getinfo($curl, CURLINFO_RESPONSE_CODE) : 0;
        $corps = json_decode(substr($texte, curl_getinfo($curl, CURLINFO_HEADER_SIZE))) ?? new stdClass();
        if ($code !== 0 && $code !== 429 && $code < 500) return [$code, $corps];
        $essai < 8 || echec("HTTP $code, après huit essais. " . curl_error($curl));
        $attente = preg_match('/^retry-after: *(\d+)/mi', $texte, $lu) ? (int) $lu[1] : null;
        sleep($attente ?? min(2 ** ($essai - 1), 60));
    }
}

function motif(int $code, stdClass $reponse): string {
    return "HTTP $code. " . ($reponse->detail ?? $reponse->message->fr ?? '') . ' ' . ($reponse->fix ?? '');
}

function jeton(): string {
    $acces = ['client_id' => getenv('PASSERELLE_CLIENT_ID'), 'client_secret' => getenv('PASSERELLE_CLIENT_SECRET')];
    $demande = http_build_query(['grant_type' => 'client_credentials'] + $acces);
    [$code, $reponse] = appel('/oauth/token', [CURLOPT_POSTFIELDS => $demande]);
    return $code === 200 ? $reponse->access_token : echec(motif($code, $reponse));
}

/** Une offre retirée garde sa ligne, sans document : sa séquence écarte un changement plus ancien qui arriverait après. */
function ouvrir(string $fichier, string $filtres): PDO {
    $base = new PDO("sqlite:$fichier");
    $base->setAttribute(PDO::ATTR_TIMEOUT, 10);
    $base->exec(<<<'SQL'
        CREATE TABLE IF NOT EXISTS offres (
            id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, document TEXT, generation INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS flux (
            seul INTEGER PRIMARY KEY CHECK (seul = 1), curseur TEXT NOT NULL, generation INTEGER NOT NULL,
            filtres TEXT NOT NULL);
        SQL);
    $base->prepare("INSERT OR IGNORE INTO flux VALUES (1, '', 1, ?)")->execute([$filtres]);
    // Le curseur appartient à ses filtres : quand ils changent, on relit du début.
    $base->prepare("UPDATE flux SET curseur = '', generation = generation + 1, filtres = :f WHERE filtres <> :f")
        ->execute(['f' => $filtres]);
    return $base;
}

/** Applique une page et garde son curseur dans la même transaction : ni trou ni doublon si le script s’arrête là. */
function appliquer(PDO $base, stdClass $page, int $generation): void {
    $poser = $base->prepare(<<<'SQL'
        INSERT INTO offres VALUES (:id, :sequence, :document, :generation)
        ON CONFLICT (id) DO UPDATE SET
            sequence = excluded.sequence, document = excluded.document, generation = excluded.generation
        WHERE excluded.sequence > offres.sequence OR excluded.generation > offres.generation
        SQL);
    $base->beginTransaction();
    foreach ($page->changes as $changement) {
        $poser->execute([
            'id' => $changement->id,
            'sequence' => $changement->sequence,
            'document' => $changement->op === 'upsert' ? json_encode($changement->offer, FORME) : null,
            'generation' => $generation,
        ]);
    }
    if (!$page->more) {
        // Fin du flux : ce que cette lecture n’a pas revu depuis le début n’existe plus.
        $base->exec("DELETE FROM offres WHERE generation < $generation");
    }
    $base->prepare('UPDATE flux SET curseur = ?')->execute([$page->cursor]);
    $base->commit();
}

function suivre(PDO $base, string $filtres): void {
    $jeton = jeton();
    $renouvele = false;
    do {
        ['curseur' => $curseur, 'generation' => $generation] = $base->query('SELECT * FROM flux')->fetch();
        $requete = http_build_query(['limit' => 500] + ($curseur === '' ? [] : ['cursor' => $curseur]));
        $entetes = ["Authorization: Bearer $jeton", 'Accept-Language: fr'];
        [$code, $page] = appel("/v1/changes?$requete" . ($filtres === '' ? '' : "&$filtres"), [CURLOPT_HTTPHEADER => $entetes]);
        if ($code === 200) {
            appliquer($base, $page, (int) $generation);
            $renouvele = false;
        } elseif ($code === 410) {
            // Relire du début, sans vider la copie : l’ancienne génération reste visible jusqu’à la fin du flux.
            $base->exec("UPDATE flux SET curseur = '', generation = generation + 1");
        } elseif ($code === 401 && !$renouvele) { // le jeton a expiré : un autre, une seule fois
            $jeton = jeton();
            $renouvele = true;
        } else {
            echec(motif($code, $page));
        }
    } while ($code !== 200 || $page->more);
}

$argc >= 2 || echec('Usage : php suivre.php offres.db [filtres]');
try {
    $base = ouvrir($argv[1], $argv[2] ?? '');
    suivre($base, $argv[2] ?? '');
    echo "Copie à jour ; offres en ligne : {$base->query('SELECT count(document) FROM offres')->fetchColumn()}.\n";
} catch (PDOException $echec) {
    echec($echec->getMessage());
}
