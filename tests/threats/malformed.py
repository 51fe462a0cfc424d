"""Malformed requests by kind and seed, each with a secret of its own in what makes it malformed, or beside it."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

Kind = Callable[[random.Random, str], bytes]
_TARGETS = ("/v1/offers", "/v1/offers/bretagne:1", "/oauth/token", "/healthz", "/nowhere", "/")
_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS")


class Malformed(NamedTuple):
    """One request: the kind's name, the secret that it holds, and its bytes."""

    kind: str
    secret: str
    data: bytes


def _head(rng: random.Random, *fields: str, method: str = "", target: str = "") -> bytes:
    line = f"{method or rng.choice(_METHODS)} {target or rng.choice(_TARGETS)} HTTP/1.1"
    return "\r\n".join((line, "Host: x", *fields, "", "")).encode("latin-1")


def _bearer(secret: str) -> str:
    return f"Authorization: Bearer {secret}"


def _control_in_credentials(rng: random.Random, secret: str) -> bytes:
    half = len(secret) // 2
    sign = chr(rng.choice([*range(1, 9), 11, 12, *range(14, 32), 127]))
    return _head(rng, f"Authorization: Bearer {sign}{secret}{secret[:half]}")


def _bare_line_feed(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"{_bearer(secret)}\nX: y")


def _bare_return(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"{_bearer(secret)}\rX: y")


def _no_colon(rng: random.Random, secret: str) -> bytes:
    return _head(rng, secret)


def _name_of_no_token(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"X{rng.choice('(),/;<=>?@[]{}')}{secret}: y")


def _space_before_colon(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"Authorization : Bearer {secret}")


def _folded(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"Authorization: Bearer\r\n {secret}")


def _no_host(_: random.Random, secret: str) -> bytes:
    return f"GET / HTTP/1.1\r\n{_bearer(secret)}\r\n\r\n".encode()


def _two_hosts(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"Host: {secret}", _bearer(secret))


def _two_lengths(rng: random.Random, secret: str) -> bytes:
    return _head(rng, "Content-Length: 3", "Content-Length: 4", _bearer(secret), method="PUT")


def _bad_length(rng: random.Random, secret: str) -> bytes:
    return _head(
        rng, _bearer(secret), f"Content-Length: {rng.choice(['-1', '+3', '0x3', '3,3', secret])}", method="PUT"
    )


def _length_and_chunks(rng: random.Random, secret: str) -> bytes:
    return _head(rng, _bearer(secret), "Transfer-Encoding: chunked", "Content-Length: 3", method="POST")


def _other_coding(rng: random.Random, secret: str) -> bytes:
    return _head(rng, _bearer(secret), f"Transfer-Encoding: {rng.choice(['gzip', 'identity', secret])}", method="POST")


def _bad_chunk_size(rng: random.Random, secret: str) -> bytes:
    head = _head(rng, _bearer(secret), "Transfer-Encoding: chunked", method="POST")
    return head + f"z{secret}\r\nabc\r\n0\r\n\r\n".encode()


def _bad_chunk_end(rng: random.Random, secret: str) -> bytes:
    head = _head(rng, _bearer(secret), "Transfer-Encoding: chunked", method="POST")
    return head + f"3\r\nabc{secret}\r\n0\r\n\r\n".encode()


def _bad_trailer(rng: random.Random, secret: str) -> bytes:
    head = _head(rng, _bearer(secret), "Transfer-Encoding: chunked", method="POST")
    return head + f"0\r\nX-{secret}\x01: y\r\n\r\n".encode()


def _nul_in_target(rng: random.Random, secret: str) -> bytes:
    return _head(rng, target=f"/v1/offers?token={secret}\x00")


def _space_in_target(rng: random.Random, secret: str) -> bytes:
    return _head(rng, target=f"/v1/offers?a= {secret}")


def _no_path(rng: random.Random, secret: str) -> bytes:
    return _head(rng, target=secret, method=rng.choice(["GET", "PUT"]))


def _no_authority(rng: random.Random, secret: str) -> bytes:
    return _head(rng, target=rng.choice([f"http:///{secret}", f"http://[::1/{secret}"]), method="GET")


def _long_target(rng: random.Random, secret: str) -> bytes:
    return _head(rng, target=f"/v1/offers?cursor={secret}{'a' * rng.randint(9_000, 12_000)}")


def _long_value(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"Authorization: Bearer {secret}{'a' * rng.randint(9_000, 12_000)}")


def _long_name(rng: random.Random, secret: str) -> bytes:
    return _head(rng, f"X-{secret}{'a' * rng.randint(9_000, 12_000)}: y")


def _many_fields(rng: random.Random, secret: str) -> bytes:
    return _head(rng, *(f"X-{secret}-{number}: {secret}" for number in range(rng.randint(150, 200))))


def _other_method(rng: random.Random, secret: str) -> bytes:
    return _head(rng, _bearer(secret), method=f"{rng.choice('{}()<>@,')}{secret}")


def _other_version(rng: random.Random, secret: str) -> bytes:
    version = rng.choice(["0.9", "1.9", "2.0", "3.0", "9.9"])
    return f"GET /{secret} HTTP/{version}\r\nHost: x\r\n{_bearer(secret)}\r\n\r\n".encode()


def _bad_version(_: random.Random, secret: str) -> bytes:
    return f"GET / HTTP/{secret}\r\nHost: x\r\n\r\n".encode()


def _http_0_9(_: random.Random, secret: str) -> bytes:
    return f"GET /{secret}\r\n\r\n".encode()


def _http_2(_: random.Random, secret: str) -> bytes:
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00" + secret.encode()


def _tls(rng: random.Random, secret: str) -> bytes:
    return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(32) + secret.encode() + b"\r\n\r\n"


def _garbage(rng: random.Random, secret: str) -> bytes:
    return b"\xff" + rng.randbytes(rng.randint(1, 200)) + secret.encode() + b"\r\n\r\n"


def _other_expectation(rng: random.Random, secret: str) -> bytes:
    return _head(rng, _bearer(secret), f"Expect: {secret}", "Content-Length: 0", method="PUT")


def _data_after_close(rng: random.Random, secret: str) -> bytes:
    return _head(rng, "Connection: close", method="GET") + f"GET /{secret} HTTP/1.1\r\n\r\n".encode()


def _garbage_behind_a_request(rng: random.Random, secret: str) -> bytes:
    return _head(rng, _bearer(secret), method="GET") + b"\x01" + secret.encode() + b"\r\n\r\n"


def _garbage_behind_an_upgrade(rng: random.Random, secret: str) -> bytes:
    head = _head(rng, "Upgrade: websocket", "Connection: Upgrade", method="GET", target="/nowhere")
    return head + b"\x00\x01" + secret.encode() + b"\r\n\r\n"


KINDS: tuple[Kind, ...] = (
    *(_control_in_credentials, _bare_line_feed, _bare_return, _no_colon, _name_of_no_token, _space_before_colon),
    *(_folded, _no_host, _two_hosts, _two_lengths, _bad_length, _length_and_chunks, _other_coding, _bad_chunk_size),
    *(_bad_chunk_end, _bad_trailer, _nul_in_target, _space_in_target, _no_path, _no_authority, _long_target),
    *(_long_value, _long_name, _many_fields, _other_method, _other_version, _bad_version, _http_0_9, _http_2, _tls),
    *(_garbage, _other_expectation, _data_after_close, _garbage_behind_a_request, _garbage_behind_an_upgrade),
)  # fmt: skip


def malformed(count: int, *, seed: int) -> Iterator[Malformed]:
    """As many as asked, all kinds in rotation; the same for the same seed."""
    rng = random.Random(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        secret = f"Sec{rng.getrandbits(96):024x}{number:05}"
        yield Malformed(kind.__name__.strip("_"), secret, kind(rng, secret))
