<?php
// Jeu complet de la nuit en PHP 8 (extension curl) : envoie toutes les offres en ligne, les absentes sont retirées.
//   php publier.php offres.ndjson [--confirmer N]
// Variables : PASSERELLE_URL, PASSERELLE_CLIENT_ID, PASSERELLE_CLIENT_SECRET.
// Code de sortie : 0 tout est accepté ; 1 des offres sont à corriger ; 2 rien n’a changé, ou l’issue est inconnue.

function echec(string $texte): never {
    fwrite(STDERR, "$texte\n");
    exit(2);
}

/** Coupure, 429, 5xx, 409 avec Retry-After : l’issue est inconnue, la même chose est renvoyée, huit fois au plus. */
function poster(string $chemin, string $corps = '', array $entetes = []): array {
    static $jeton = null, $renouvele = false;
    for ($essai = 1; ; $essai++) {
        if ($jeton === null && $chemin !== '/oauth/token') {
            $acces = ['client_id' => getenv('PASSERELLE_CLIENT_ID'), 'client_secret' => getenv('PASSERELLE_CLIENT_SECRET')];
            $recu = poster('/oauth/token', http_build_query(['grant_type' => 'client_credentials'] + $acces));
            $jeton = "Authorization: Bearer {$recu['access_token']}";
        }
        $curl = curl_init(rtrim((string) getenv('PASSERELLE_URL'), '/') . $chemin);
        $tous = array_filter([...$entetes, $jeton, 'Accept-Language: fr', 'Expect:']);
        curl_setopt_array($curl, [CURLOPT_POSTFIELDS => $corps, CURLOPT_HTTPHEADER => $tous, CURLOPT_HEADER => true]);
        curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_CONNECTTIMEOUT => 10, CURLOPT_TIMEOUT => 900]);
        $texte = (string) curl_exec($curl);
        $code = curl_errno($curl) === 0 ? curl_getinfo($curl, CURLINFO_RESPONSE_CODE) : 0;
        $reponse = json_decode(substr($texte, curl_getinfo($curl, CURLINFO_HEADER_SIZE)), true) ?? [];
        if ($code >= 200 && $code < 300) return $reponse;
        if ($code === 401 && $jeton !== null && !$renouvele) { // le jeton a expiré : un autre, une seule fois
            [$jeton, $renouvele] = [null, true];
            continue;
        }
        $attente = preg_match('/^retry-after: *(\d+)/mi', $texte, $lu) ? (int) $lu[1] : null;
        $inconnue = $code === 0 || $code === 429 || $code >= 500 || ($code === 409 && $attente !== null);
        $motif = "HTTP $code. " . ($reponse['detail'] ?? $reponse['message']['fr'] ?? curl_error($curl));
        $retraits = isset($reponse['would_withdraw']) ? "Si c’est voulu : --confirmer {$reponse['would_withdraw']}" : null;
        $inconnue || echec("$motif " . ($retraits ?? $reponse['fix'] ?? ''));
        $essai < 8 || echec("$motif Après huit essais, l’issue reste inconnue : recommencez plus tard.");
        sleep($attente ?? min(2 ** ($essai - 1), 60));
    }
}

$argc === 2 || ($argc === 4 && $argv[2] === '--confirmer') || echec('Usage : php publier.php offres.ndjson [--confirmer N]');
// Le numéro de jeu se prend avant de lire les offres : ce que vous publiez entre-temps ne passe jamais pour absent.
$chemin = '/v1/snapshots?mark=' . poster('/v1/snapshots/marks')['mark'] . (isset($argv[3]) ? "&confirm=$argv[3]" : '');
$offres = is_readable($argv[1]) ? array_filter(array_map('trim', file($argv[1]))) : echec("Fichier illisible : $argv[1]");
$nombre = count($offres); // sur la dernière ligne : sans lui, un export coupé retirerait la fin
// Même numéro de jeu et même clé à chaque essai : si la première réponse s’est perdue, la passerelle la redonne.
$entetes = ['Content-Type: application/x-ndjson', 'Prefer: wait=30', 'Idempotency-Key: ' . bin2hex(random_bytes(16))];
$reponse = poster($chemin, implode("\n", [...$offres, "{\"count\": $nombre}\n"]), $entetes);
foreach ($reponse['results'] as $ligne) { // même un 200 peut porter des refus : ces offres-là restent telles qu’elles étaient
    foreach (in_array($ligne['status'], ['refused', 'stale', 'rejected']) ? $ligne['problems'] ?? [] : [] as $p)
        fwrite(STDERR, ($ligne['id'] ?? "ligne {$ligne['index']}") . " {$p['pointer']} : {$p['message']} {$p['fix']}\n");
}
$corriger = strlen(preg_replace('/[^rsj]/', '', $reponse['statuses']));
$attente = $reponse['pending'] ?? 0;
echo "Envoyées : $nombre ; à corriger : $corriger ; retirées : {$reponse['withdrawn']} ; en attente : $attente.\n";
echo $attente > 0 ? "Les décisions suivront : GET {$reponse['receipts']}&verdict=stale,rejected\n" : '';
exit($corriger + $attente > 0 ? 1 : 0);
