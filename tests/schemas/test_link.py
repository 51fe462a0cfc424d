"""Web addresses: HTTPS to a public host (OFR-016)."""

import pytest

from tests.schemas.documents import changed, check, errors, pointer


@pytest.mark.parametrize("field", ["apply_url", "employer.website"])
@pytest.mark.parametrize(
    "address",
    [
        "https://a.fr",
        "https://A.FR/",
        "https://a.fr:443/x",
        "https://a.fr:65535/x",
        "https://xn--caf-dma.fr/",
        "https://a-b.c.bzh/p/%C3%A9?x=1&y=[2]".replace("[2]", "2"),
        "https://a.fr?x#y/z?",
        "https://a.fr/~(x)!$&'*+,;=:@",
    ],
)
def test_https_addresses_of_public_hosts_are_taken(field: str, address: str) -> None:
    """OFR-016"""
    assert errors(check(changed({field: address}))) == []


@pytest.mark.parametrize("field", ["apply_url", "employer.website"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "a.fr",
        "http://a.fr",
        "HTTPS://a.fr",
        "ftp://a.fr",
        "https://",
        "https://localhost",
        "https://intranet/x",
        "https://192.168.0.1/",
        "https://8.8.8.8/",
        "https://127.1/",
        "https://0x7f.0.0.0x1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://u:p@a.fr/",
        "https://u@a.fr/",
        "https://a.fr:0/",
        "https://a.fr:/",
        "https://a.fr:99999/",
        "https://a.fr:65536/",
        "https://a.fr:0443/",
        "https://a.fr/é",
        "https://été.fr/",
        "https://a.fr/ x",
        "https://a.fr/%zz",
        "https://a.fr/<x>",
        "https://a.fr/\n",
        "https://a.fr\n",
        "https://-a.fr/",
        "https://a..fr/",
        "https://a.fr\\@b.fr/",
        " https://a.fr/",
        "javascript:alert(1)",
    ],
)
def test_other_addresses_are_refused(field: str, address: str) -> None:
    """OFR-016"""
    assert errors(check(changed({field: address}))) == [("url-malformed", pointer(field))]


@pytest.mark.parametrize(
    "host", ["pc.local", "a.LOCALHOST", "x.internal", "srv.lan", "x.corp", "nas.home.arpa", "a.invalid"]
)
def test_private_hosts_are_refused(host: str) -> None:
    """OFR-016"""
    for address in (f"https://{host}", f"https://{host}:443/x", f"https://{host}?x"):
        assert errors(check(changed(apply_url=address))) == [("url-private", "/apply_url")]
    assert errors(check(changed(apply_url=f"https://a.fr/{host}"))) == []
