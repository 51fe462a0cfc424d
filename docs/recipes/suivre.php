<?php
// Suivi des changements en PHP 8 (extensions curl et pdo_sqlite) : tient à jour une copie des offres dans SQLite.
//   php suivre.php offres.db [filtres]        par exemple : php suivre.php offres.db 'territory=all&level=seconde'
//   php suivre.php offres.db filtres --comparer       une fois par nuit : compare ensuite la copie, et répare ce qui diffère
// Lit jusqu’à la fin du flux, puis s’arrête : lancez-le par cron, toutes les cinq minutes par exemple.
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Les offres à afficher : SELECT document FROM offres WHERE document IS NOT NULL
// Code de sortie : 0 la copie est à jour ; 2 elle ne l’est pas, mais reste cohérente : relancez.

const FORME = JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS | JSON_PRESERVE_ZERO_FRACTION;

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

/** Un GET avec le jeton ; s’il a expiré, un autre, une seule fois. */
function lire(string $chemin): array {
    static $jeton = null;
    for ($renouvele = false; ; $renouvele = true) {
        $jeton ??= jeton();
        $recu = appel($chemin, [CURLOPT_HTTPHEADER => ["Authorization: Bearer $jeton", 'Accept-Language: fr']]);
        if ($recu[0] !== 401 || $renouvele) return $recu;
        $jeton = null;
    }
}

/** Lit jusqu’à la fin du flux et rend la dernière page, qui donne, si on le demande, les empreintes d’un nœud. */
function suivre(PDO $base, string $filtres, ?string $noeud = null): stdClass {
    while (true) {
        ['curseur' => $curseur, 'generation' => $generation] = $base->query('SELECT * FROM flux')->fetch();
        $demande = ['limit' => 500, 'cursor' => $curseur === '' ? null : $curseur, 'node' => $noeud ?: null];
        $requete = http_build_query($demande) . ($filtres === '' ? '' : "&$filtres");
        [$code, $page] = lire('/v1/changes' . ($noeud === null ? '' : '/digest') . "?$requete");
        if ($code === 200) {
            appliquer($base, $page, (int) $generation);
            if (!$page->more) return $page;
        } elseif ($code === 410) {
            relireDuDebut($base);
        } else {
            echec(motif($code, $page));
        }
    }
}

/** Sans vider la copie : l’ancienne génération reste visible jusqu’à la fin du flux. */
function relireDuDebut(PDO $base): void {
    $base->exec("UPDATE flux SET curseur = '', generation = generation + 1");
}

/** La forme RFC 8785 : sans blancs, membres triés comme en UTF-16, nombres écrits comme en JavaScript. */
function canonique(mixed $valeur): string {
    if (is_array($valeur)) return '[' . implode(',', array_map('canonique', $valeur)) . ']';
    if (is_float($valeur)) return nombre($valeur);
    if (!is_object($valeur)) return json_encode($valeur, FORME);
    $membres = [];
    foreach ($valeur as $nom => $membre) {
        $nom = (string) $nom;
        $membres[iconv('UTF-8', 'UTF-16BE', $nom)] = json_encode($nom, FORME) . ':' . canonique($membre);
    }
    ksort($membres, SORT_STRING);
    return '{' . implode(',', $membres) . '}';
}

function nombre(float $valeur): string {
    if (floor($valeur) === $valeur) return number_format($valeur, 0, '', '');
    [$chiffres, $puissance] = explode('e', json_encode($valeur)) + [1 => '0'];
    if ($puissance === '0') return $chiffres;
    if ((int) $puissance < -6) return preg_replace('/\.0$/', '', $chiffres) . "e$puissance";
    $decimales = str_repeat('0', -1 - (int) $puissance) . preg_replace('/\.0$|\D/', '', $chiffres);
    return ($valeur < 0 ? '-' : '') . "0.$decimales";
}

/** Les lignes de la copie, par feuille. */
function lignes(PDO $base): array {
    $feuilles = [];
    foreach ($base->query('SELECT * FROM offres WHERE document IS NOT NULL ORDER BY id') as $offre) {
        $empreinte = hash('sha256', canonique(json_decode($offre['document'])));
        $feuilles[substr(hash('sha256', $offre['id']), 0, 4)][] = "{$offre['id']} {$offre['sequence']} $empreinte\n";
    }
    return $feuilles;
}

/** Les enfants d’un nœud dont l’empreinte n’est pas celle de la passerelle. */
function differents(PDO $base, string $filtres, string $noeud): array {
    $siens = suivre($base, $filtres, $noeud)->children;
    $feuilles = lignes($base);
    $hexa = array_map(fn(int $nombre) => sprintf('%02x', $nombre), range(0, 255));
    $sous = fn(string $nom) => array_map(fn($fin) => hash('sha256', implode('', $feuilles[$nom . $fin] ?? [])), $hexa);
    $miens = $noeud ? $sous($noeud) : array_map(fn($nom) => hash('sha256', implode('', $sous($nom))), $hexa);
    return array_map(fn(int $rang) => $noeud . $hexa[$rang], array_keys(array_diff_assoc($miens, $siens)));
}

/** Rend la feuille égale : efface ce qui est faux, reprend ce qui manque. Rend le nombre d’offres réparées. */
function reparer(PDO $base, string $filtres, string $feuille): int {
    $voulues = $reparees = [];
    foreach (suivre($base, $filtres, $feuille)->items as $item) $voulues["$item->id $item->sequence $item->digest\n"] = $item;
    foreach (array_diff(lignes($base)[$feuille] ?? [], array_keys($voulues)) as $ligne) {
        $id = strtok($ligne, ' ');
        $base->prepare('DELETE FROM offres WHERE id = ?')->execute([$id]);
        $reparees[$id] = true;
    }
    foreach (array_diff(array_keys($voulues), lignes($base)[$feuille] ?? []) as $ligne) {
        $item = $voulues[$ligne];
        $reparees[$item->id] = true;
        [$code, $recue] = lire("/v1/offers/$item->id");
        if ($code !== 200 || $recue->sequence !== $item->sequence) continue; // elle vient de changer : le flux l’apporte
        $base->prepare('INSERT OR REPLACE INTO offres SELECT ?, ?, ?, generation FROM flux')
            ->execute([$item->id, $item->sequence, json_encode($recue->offer, FORME)]);
    }
    return count($reparees);
}

function comparer(PDO $base, string $filtres): void {
    $nombre = 0;
    $noeuds = differents($base, $filtres, '');
    $tout = count($noeuds) > 128;
    if ($tout) relireDuDebut($base); // presque tout diffère
    foreach ($tout ? [] : $noeuds as $noeud)
        foreach (differents($base, $filtres, $noeud) as $feuille) $nombre += reparer($base, $filtres, $feuille);
    if ($noeuds && differents($base, $filtres, '')) echec('La copie diffère encore : relancez.');
    echo $tout ? "Copie relue du début.\n" : "Copie comparée ; offres réparées : $nombre.\n";
}

($argc >= 2 && ($argv[3] ?? '--comparer') === '--comparer') || echec('Usage : php suivre.php offres.db [filtres [--comparer]]');
try {
    $base = ouvrir($argv[1], $argv[2] ?? '');
    suivre($base, $argv[2] ?? '');
    isset($argv[3]) && comparer($base, $argv[2]);
    echo "Copie à jour ; offres en ligne : {$base->query('SELECT count(document) FROM offres')->fetchColumn()}.\n";
} catch (PDOException $echec) {
    echec($echec->getMessage());
}
