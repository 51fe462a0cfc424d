<?php
// openapi-generator's PHP client: what a publisher and a subscriber do, as a report in JSON.
declare(strict_types=1);

use GuzzleHttp\Client;
use OpenAPI\Client\Api\AccessApi;
use OpenAPI\Client\Api\PublishApi;
use OpenAPI\Client\Api\ReadApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\Change;
use OpenAPI\Client\Model\Employer;
use OpenAPI\Client\Model\Level;
use OpenAPI\Client\Model\Location;
use OpenAPI\Client\Model\Offer;
use OpenAPI\Client\Model\ProblemDocument;
use OpenAPI\Client\Model\Receipt;
use OpenAPI\Client\Model\Sector;
use OpenAPI\Client\Model\Submission;
use OpenAPI\Client\ObjectSerializer;

require 'GuzzleHttp/autoload.php';  // Debian's; elsewhere vendor/autoload.php
spl_autoload_register(function (string $name): void {
    if (str_starts_with($name, 'OpenAPI\\Client\\')) {
        require __DIR__ . '/client/lib/' . strtr(substr($name, 15), '\\', '/') . '.php';
    }
});
set_error_handler(function (int $kind, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $kind, $file, $line);
}, E_ALL & ~E_DEPRECATED);

const REVISION = 9007199254740990;
define('PUBLISHER', getenv('PUBLISHER'));

function at(string $url): Configuration
{
    return (new Configuration())->setHost($url);
}

function connected(string $id, string $secret): Configuration
{
    $token = (new AccessApi(new Client(), at(getenv('URL'))))->issueToken('client_credentials', null, $id, $secret);
    return at(getenv('URL'))->setAccessToken($token->getAccessToken());
}

function offer(string $local, int $revision): Offer
{
    return (new Offer())
        ->setId(PUBLISHER . ":$local")
        ->setRevision($revision)
        ->setTitle("Découverte d'un atelier de menuiserie")
        ->setDescription("Observer la fabrication d'un meuble, du dessin à la pose.")
        ->setEmployer((new Employer())->setName('Atelier du Port')->setDescription('Menuiserie de douze personnes.'))
        ->setLocation((new Location())->setPostalCode('35000')->setCity('Rennes')->setLatitude(48.1113387)->setLongitude(-1.6800198))
        ->setLevels([Level::SECONDE])
        ->setWeeks(['2027-W24', '2027-W25'])
        ->setSector(Sector::S5)
        ->setApplyUrl("https://stages.example/offres/$local");
}

function refused(int $status, callable $call): ProblemDocument|Receipt
{
    try {
        $call();
    } catch (ApiException $refusal) {
        if ($refusal->getCode() === $status) {
            return $refusal->getResponseObject();
        }
        throw $refusal;
    }
    throw new LogicException("not refused with $status");
}

function about(Change $change): string
{
    return match ($change->getOp()) {
        'upsert' => $change->getOffer()->getTitle(),
        'removal' => $change->getReason(),
        default => $change->getOp(),
    };
}

$http = new Client(['timeout' => 60]);
$publishing = connected(PUBLISHER, getenv('PUBLISHER_SECRET'));
$publish = new PublishApi($http, $publishing);
$read = new ReadApi($http, connected(getenv('SUBSCRIBER'), getenv('SUBSCRIBER_SECRET')));
$report = [];
$first = offer('first', REVISION);
$second = offer('second', 1);

$published = $publish->publishOffer($first->getId(), $first, prefer: 'wait=20');
$report['published'] = [$published->getVerdict(), $published->getRevision()];
$judged = $publish->publishOffer($second->getId(), $second, true);
$report['judged'] = [$judged->getStatus(), $judged->getOffer()->getLevels()];
$wrong = offer('wrong', 1)->setTitle('<b>Atelier</b>');
$problem = refused(422, fn () => $publish->publishOffer($wrong->getId(), $wrong, false));
$report['refused'] = array_map(fn ($one) => $one->getPointer(), $problem->getProblems());
$stale = refused(409, fn () => $publish->publishOffer($first->getId(), offer('first', 7), prefer: 'wait=20'));
$report['stale'] = [$stale->getVerdict(), $stale->getCurrent()->getRevision()];
$report['missing'] = refused(404, fn () => $read->getOffer(PUBLISHER . ':none'))->getCode();

$set = tempnam(sys_get_temp_dir(), 'set');
$lines = array_map(fn ($one) => json_encode(ObjectSerializer::sanitizeForSerialization($one)), [$first, $second]);
file_put_contents($set, implode("\n", [...$lines, '{"count": 2}', '']));
$mark = $publish->takeMark()->getMark();
$snapshot = $publish->applySnapshot($mark, new SplFileObject($set), prefer: 'wait=20');
$report['snapshot'] = $snapshot->getVerdicts();
$report['absent'] = $snapshot->getWithdrawn();
unlink($set);

$cursor = null;
$isSame = false;
$changes = function (int $least) use (&$cursor, &$isSame, $read, $first, $published): array {
    $found = [];
    while (count($found) < $least) {
        $page = $read->getChanges(platform: [PUBLISHER], territory: 'all', cursor: $cursor, wait: 5);
        foreach ($page->getChanges() as $change) {
            $found[$change->getId()] = about($change);
            $isSame = $isSame || ($change->getId() === $first->getId() && $change->getSequence() === $published->getSequence());
        }
        $cursor = $page->getCursor();
    }
    return $found;
};
$report['before'] = $changes(2);
$report['sequence'] = $isSame;
$location = $read->getOffer($first->getId())->getOffer()->getLocation();
$report['degrees'] = [$location->getLatitude(), $location->getLongitude()];

$gone = (new Submission())->setId($second->getId())->setRevision(2)->setWithdrawn('filled');
$report['batch'] = $publish->publishBatch([offer('third', 1), $gone], prefer: 'wait=20', partial: true)->getStatuses();
$report['withdrawn'] = $publish->withdrawOffer(REVISION + 1, $first->getId(), prefer: 'wait=20')->getVerdict();
$report['after'] = $changes(3);

$platforms = (new AccessApi($http, $publishing))->listPlatforms()->getPlatforms();
foreach ($platforms as $status) {
    if ($status->getPlatform() === PUBLISHER) {
        $report['connected'] = [$status->getConnected(), $status->getSince() !== null, $status->getCertifiedUntil() === null];
        $report['accepted'] = $status->getDetails()->getAccepted() !== null && $status->getDetails()->getLastError() === null;
    }
}
$report['regions without a platform'] = count(array_filter($platforms, fn ($one) => $one->getPlatform() === null));
$report['later'] = array_map('about', (new ReadApi($http, at(getenv('LATER_URL'))))->getChanges()->getChanges());
echo json_encode($report, JSON_THROW_ON_ERROR), "\n";
