"""Only public keys that can prove an assertion are kept for a partner."""

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.partners.jwks import jwks_findings

EC = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)


def keys(*entries: object) -> dict[str, object]:
    return {"keys": list(entries)}


def test_public_keys_on_p256_and_long_rsa_keys_are_taken() -> None:
    assert () == jwks_findings(keys(EC.as_dict(private=False)))
    assert () == jwks_findings(keys(EC.as_dict(private=False, kid="a"), RSA.as_dict(private=False, kid="b", use="sig")))


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, "keys", EC.as_dict(private=False)])
def test_a_document_that_is_no_key_set_is_refused(document: object) -> None:
    assert "not a JSON Web Key Set" in " ".join(jwks_findings(document))


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (EC.as_dict(private=True), "private"),
        (RSA.as_dict(private=True), "private"),
        (OctKey.generate_key(256).as_dict(private=True), "symmetric"),
        (ECKey.generate_key("P-384").as_dict(private=False), "P-256"),
        (OKPKey.generate_key("Ed25519").as_dict(private=False), "kty"),
        (EC.as_dict(private=False) | {"y": "AAAA"}, "point"),
        (EC.as_dict(private=False) | {"x": 5}, "point"),
        (EC.as_dict(private=False) | {"x": "é"}, "point"),
        (EC.as_dict(private=False) | {"use": "enc"}, "use"),
        (EC.as_dict(private=False) | {"use": ["sig"]}, "use"),
        (EC.as_dict(private=False) | {"alg": "ES512"}, "ES256"),
        (RSA.as_dict(private=False) | {"n": "AQAB"}, "2048"),
        (RSA.as_dict(private=False) | {"alg": "HS256"}, "RS256"),
        ("key", "object"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_with_the_reason(entry: object, word: str) -> None:
    findings = jwks_findings(keys(entry))
    assert 1 == len(findings)
    assert word in findings[0]


def test_several_keys_need_different_names() -> None:
    public = EC.as_dict(private=False)
    same = keys(public | {"kid": "a"}, RSA.as_dict(private=False) | {"kid": "a"})
    assert 'needs its own "kid"' in " ".join(jwks_findings(same))


def test_an_empty_key_set_and_one_too_large_are_refused() -> None:
    assert "0 keys" in " ".join(jwks_findings(keys()))
    assert "11 keys" in " ".join(jwks_findings(keys(*[EC.as_dict(private=False)] * 11)))


@pytest.mark.parametrize(("levels", "expected"), [(10, ()), (300, ("It is nested too deeply.",))])
def test_a_key_set_that_no_record_could_hold_is_refused(levels: int, expected: tuple[str, ...]) -> None:
    nested = orjson.loads("[" * levels + "]" * levels)
    assert expected == jwks_findings(keys(EC.as_dict(private=False)) | {"more": nested})
