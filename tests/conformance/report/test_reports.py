"""Reports: every format from one model, masked, stamped with versions, small, and valid for its consumers."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from xml.etree import ElementTree as ET

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

import schemas
from conformance.model.case import ROLES, ExpectedVerdict
from conformance.model.library import cases
from conformance.model.result import Outcome
from conformance.report.ci import write_junit, write_sarif
from conformance.report.document import ReportError, check_evidence, digest_of, evidence_of, read_report, report_of
from conformance.report.html import write_html
from conformance.report.label import label
from conformance.role.gateway import compare_problems
from conformance.target.record import record
from conformance.words import code_in_words, plain, say
from schemas.recording import masked, masked_headers, masked_text
from schemas.requirements import sentences
from schemas.rulebook import LANGUAGES, Language, catalogue
from tests.conformance.model.results import case, result, run

KINDS = [Outcome.PASS, Outcome.FAIL, Outcome.SKIP, Outcome.OMIT, Outcome.ERROR, Outcome.CONFIG_ERROR]
MIXED = run(*(result(kind, number) for number, kind in enumerate(KINDS)), result(Outcome.FAIL, 9, announced=True))


def test_the_json_report_follows_its_published_schema() -> None:
    document = orjson.loads(orjson.dumps(report_of(MIXED)))
    assert [] == list(schemas.validator("conformance-report").iter_errors(document))
    assert document == read_report(document)


def test_an_invalid_report_is_refused_with_its_pointer() -> None:
    with pytest.raises(ReportError, match="/results"):
        read_report({**report_of(MIXED), "results": {}})


def test_junit_counts_each_kind_and_can_be_parsed() -> None:
    root = ET.fromstring(write_junit(report_of(MIXED), "fr"))
    [suite] = root.findall("testsuite")
    assert ("7", "1", "3", "2") == tuple(suite.get(name) for name in ("tests", "failures", "errors", "skipped"))
    assert suite.get("tests") == root.get("tests")
    assert ["Le cas <0> (FEED-001, FEED-002)"] == [
        each.findtext("system-out") for each in suite.findall("testcase") if each.get("name") == "case-0"
    ]
    failure = suite.find("testcase/failure")
    assert "--case feed/case-1 --seed abc" in (ET.tostring(failure, encoding="unicode") if failure is not None else "")


def test_sarif_has_a_rule_and_a_result_for_each_case_that_did_not_pass() -> None:
    document = orjson.loads(write_sarif(report_of(MIXED), "en"))
    [analysis] = document["runs"]
    assert "2.1.0" == document["version"]
    assert 5 == len(analysis["results"]) == len(analysis["tool"]["driver"]["rules"])
    for rule in analysis["tool"]["driver"]["rules"]:
        assert rule["name"].startswith("The case")
        assert ["Why", "→ How & where"] == [rule["fullDescription"]["text"], rule["help"]["text"].split("\n")[0]]
        assert f"FEED-001: {sentences()['FEED-001']['en']}." in rule["help"]["text"]
    assert [True] == ["suppressions" in each for each in analysis["results"] if each["ruleId"] == "feed/case-9"]


@pytest.mark.parametrize(
    "write",
    [
        write_html,
        lambda report: write_junit(report, "en"),
        lambda report: write_sarif(report, "en").decode(),
        lambda report: orjson.dumps(report).decode(),
    ],
)
def test_every_format_holds_the_versions(write: Callable[[dict[str, Any]], str]) -> None:
    text = write(report_of(MIXED))
    assert [] == [version for version in ("1.0.0", "1.2", "2026-11") if version not in text]


def test_the_page_is_bilingual_escaped_and_self_contained() -> None:
    page = write_html(report_of(MIXED))
    assert "Le cas &lt;1&gt;" in page
    assert "The case &lt;1&gt;" in page
    assert "<422>" not in page
    assert [] == [word for word in ("<script", 'http-equiv="refresh', "src=", "<link", "url(") if word in page]
    assert set(re.findall('href="([^"]*)"', page)) <= {f"#{each}" for each in re.findall('id="([^"]*)"', page)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_in_the_language_of_the_run(language: Language) -> None:
    page = write_html(report_of(MIXED), language)
    assert f'<html lang="{language}">' in page
    assert f"<title>{say('report-title')[language]} · https://gateway.example.org</title>" in page
    assert [language] == re.findall('id="(..)" checked', page)


def test_the_page_names_every_case_by_title_and_id_and_says_why_one_is_not_required() -> None:
    listed = write_html(report_of(MIXED)).partition('<h2 id="cases">')[2]
    for number in range(len(KINDS)):
        assert f'<span lang="fr">Le cas &lt;{number}&gt;</span>' in listed
        assert f"<code>feed/case-{number}</code>" in listed
    assert '<span lang="fr">Flux de changements</span>' in listed
    assert '<small>(<span lang="fr">sans objet : raison</span>' in listed


def test_every_role_and_every_family_of_the_kit_has_a_label() -> None:
    families = {each.family for each in cases()}
    assert set() == {family for family in families if label("families", family)["fr"] == family}
    assert set() == {role for role in ROLES if label("roles", role)["fr"] == role}


def test_a_finding_links_to_its_requirement_and_this_to_the_reference_of_a_gateway() -> None:
    failed = run(result(Outcome.FAIL))
    details, _, cited = write_html(report_of(failed)).partition('<h2 id="protocol">')
    assert '<a href="#FEED-001">FEED-001</a>' in details
    assert '<dt id="FEED-001">FEED-001</dt>' in cited
    assert '<a href="#case-feed-case-1">' in cited
    assert "http" not in cited, "without a gateway nothing is linked"
    known = report_of(replace(failed, reference="https://passerelle.example.fr"))
    assert known == read_report(known)
    page = write_html(known)
    for language, path in (("fr", "/reference"), ("en", "/en/reference")):
        assert f'<span lang="{language}"><a href="https://passerelle.example.fr{path}#FEED-001"' in page


def test_sarif_links_to_the_reference_of_a_gateway_and_to_nothing_without_one() -> None:
    for gateway, language, expected in (
        (None, "en", (None, None, "FEED-001")),
        (
            "https://p.fr",
            "fr",
            ("https://p.fr/reference", "https://p.fr/reference#FEED-001", "](https://p.fr/reference"),
        ),
        ("https://p.fr", "en", ("https://p.fr/en/reference", "https://p.fr/en/reference#FEED-001", "[FEED-001](")),
    ):
        document = orjson.loads(write_sarif(report_of(replace(MIXED, reference=gateway)), cast("Language", language)))
        driver = document["runs"][0]["tool"]["driver"]
        assert expected[0] == driver.get("informationUri")
        assert {expected[1]} == {rule.get("helpUri") for rule in driver["rules"]}
        assert all(expected[2] in rule["help"]["markdown"] for rule in driver["rules"])


def test_french_findings_say_a_problem_in_words_and_its_code_behind() -> None:
    verdict = ExpectedVerdict(accepted=False, problems=frozenset({("text-markup", "/title")}))
    [finding] = compare_problems(verdict, [], say("problems"))
    assert "Le texte contient du HTML (text-markup), en /title" == finding.expected["fr"]
    assert "text-markup at /title" == finding.expected["en"]


@pytest.mark.parametrize("code", catalogue())
def test_every_code_has_french_words(code: str) -> None:
    assert re.fullmatch(rf"\S.{{9,}} \({re.escape(code)}\)", code_in_words(code)["fr"])


def test_an_unknown_code_is_its_own_text() -> None:
    assert plain("x-y") == code_in_words("x-y")


def test_a_finding_is_in_the_requested_language_or_in_both() -> None:
    report = report_of(run(result(Outcome.FAIL)))
    assert "étape 1 : code d’état : attendu 201 ; trouvé &lt;422&gt;" in write_junit(report, "fr")
    assert "step 1: status: expected 201; found &lt;422&gt;" in write_junit(report, "en")
    assert b"\xc3\xa9tape 1" in write_sarif(report, "fr")
    assert '<span lang="fr">étape 1 : code d’état</span><span lang="en">step 1: status</span>' in write_html(report)
    [finding] = report["results"][0]["findings"]
    assert ("step 1: status", "étape 1 : code d’état") == (finding["place"], finding["fr"]["place"])


def test_a_report_from_before_french_findings_can_be_rendered() -> None:
    report = report_of(run(result(Outcome.FAIL)))
    del report["results"][0]["findings"][0]["fr"]
    assert "<dd>step 1: status</dd>" in write_html(read_report(report))


def test_the_page_gives_the_protocols_sentence_and_shows_code_as_code() -> None:
    page = write_html(report_of(run(replace(result(Outcome.FAIL), reason={"fr": "`seats` <", "en": "`seats` >"}))))
    assert 'FEED-001</a></b> <span lang="fr">' + sentences()["FEED-001"]["fr"][:20] in page
    assert '<span lang="en">' + sentences()["FEED-001"]["en"][:20] in page
    assert '<span lang="fr"><code>seats</code> &lt;</span>' in page


def test_the_page_stays_small_at_ten_thousand_results() -> None:
    many = [
        result(Outcome.FAIL if number % 3 == 0 else Outcome.PASS, number, family=f"f{number % 20}")
        for number in range(10_000)
    ]
    assert len(write_html(report_of(run(*many)))) < 2_000_000


def test_secrets_and_personal_data_are_masked_when_recorded() -> None:
    exchange = record(
        method="POST",
        url="https://x/oauth/token?to=accueil@atelier.example",
        headers={"Authorization": "Basic c2VjcmV0", "Accept": "x"},
        body=b"grant_type=x&client_secret=s3cret&client_id=a",
        status=200,
        answer_headers={"Set-Cookie": "s3cret"},
        answer=b'{"access_token": "s3cret", "detail": "02 99 00 00 00 accueil@atelier.example"}',
        milliseconds=1,
    )
    assert [] == [word for word in ("s3cret", "c2VjcmV0", "02 99", "accueil@") if word in repr(exchange)]
    assert "grant_type=x" in exchange.body
    assert {"Accept": "x"} == masked_headers({"Accept": "x"})


@pytest.mark.parametrize("name", ["Api-Key", "X-Api-Key", "X-Secret", "X-Auth-Token", "DPoP", "Set-Cookie", "apikey"])
def test_a_header_that_holds_a_secret_is_masked(name: str) -> None:
    assert "s3cret" not in str(masked_headers({name: "s3cret"}))


def test_headers_as_an_http_library_gives_them_can_be_written_as_json() -> None:
    headers = dict(CIMultiDict({"Content-Type": "application/json", "authorization": "Bearer s3cret"}))
    assert (
        b'{"Content-Type":"application/json","authorization":"\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"}'
        == orjson.dumps(masked_headers(headers))
    )


@pytest.mark.parametrize(
    "hidden",
    [
        b'{"token" : "s3cret-and-more',
        b'{"password": "s3\\"cret"}',
        b"Bearer s3cret-and-more",
        b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.s3cret",
        b"https://x/?a=1&token=s3cret",
        b"accueil%40atelier.example",
        rb"accueil\u0040atelier.example",
    ],
)
def test_encoded_secrets_and_personal_data_are_masked(hidden: bytes) -> None:
    text = masked(hidden)
    assert [] == [word for word in ("s3", "cret", "sdWIi", "accueil") if word in text]


NAMES = (
    *("access_token", "refresh_token", "id_token", "token", "client_secret", "client_assertion", "password", "secret"),
    *("code_verifier", "api_key", "Api-Key", "x-secret", "PASSWORD", "to\u212aen", "\u017fecret"),
)
HIDING = (
    *(f'"{name}": "s3cret"' for name in NAMES),
    *(f" {name}=s3cret" for name in NAMES),
    *(f" {scheme} s3cret-and-more" for scheme in ("Bearer", "basic", "ba\u017fic", "DPoP")),
    "eyJhbGciOiJFUzI1NiJ9.s3cret",
    "client%5Fsecret=s3cret",
    "a=/b?client%5fsec%72et=s3cret",
    "a=1&%74oken=s3cret",
)


@pytest.mark.parametrize("hiding", HIDING)
def test_every_form_of_a_secret_is_masked(hiding: str) -> None:
    assert "s3cret" not in masked_text(hiding)


@given(st.lists(st.sampled_from((*HIDING, *NAMES, '"', '":"', "=", "&", " ", "eyJ", "Basic ", "abcdefgh", "\ud800"))))
def test_what_is_masked_does_not_depend_on_the_quick_look(pieces: list[str]) -> None:
    """The quick look for words of secrets only saves time."""
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("schemas.recording._may_hold_secret", lambda _: True)
        whole = masked_text(text)
    assert whole == masked_text(text)


def test_a_secret_at_the_cut_is_masked_whole() -> None:
    content = b"x" * 3_990 + b" accueil@atelier.example " + b"y" * 10_000
    assert "accueil" not in masked(content)
    secret = b'{"a": "' + b"x" * 3_900 + b'", "access_token": "' + b"s3cret" * 1_000 + b'"}'
    assert "s3cret" not in masked(secret)


def test_compressed_content_is_described_by_its_size() -> None:
    assert "gzip (26 octets) / (26 bytes)" == masked(b"\x1f\x8b" + b"x" * 24)


def test_long_and_binary_content_is_shortened() -> None:
    assert masked(b"x" * 10_000).endswith("(10000 bytes)")
    assert "\\xff" in masked(b"\xff")


def test_evidence_verifies_until_anything_is_changed() -> None:
    report = report_of(run(result(Outcome.PASS, 1), result(Outcome.PASS, 2)))
    evidence = evidence_of(report, platform="bretagne", nonce="n", played=[case(1), case(2)])
    assert [] == check_evidence(evidence)
    assert [say("digest-wrong")] == check_evidence({**evidence, "platform": "normandie"})
    assert [say("cases-left-out")] == check_evidence(
        evidence_of(report, platform="x", nonce="n", played=[case(1), case(2), case(3)])
    )
    wrong = report_of(run(result(Outcome.FAIL, 1)))
    assert [say("run-not-conforming")] == check_evidence(evidence_of(wrong, platform="x", nonce="n", played=[case(1)]))
    assert [say("no-evidence")] == check_evidence([])


def test_the_digest_is_independent_of_member_order() -> None:
    assert digest_of({"a": 1, "b": "é"}) == digest_of({"b": "é", "a": 1})
