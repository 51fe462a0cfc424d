"""Recorded exchanges: one request and its answer, without secrets and personal data. Pure."""

from collections.abc import Mapping

from conformance.model.result import Exchange
from schemas.recording import masked, masked_headers, masked_text


def record(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    status: int,
    answer_headers: Mapping[str, str],
    answer: bytes,
    milliseconds: int,
) -> Exchange:
    """The exchange, masked and truncated. Without an answer ``status`` is 0."""
    return Exchange(
        method=method,
        url=masked_text(url),
        headers=masked_headers(headers),
        body=masked(body),
        status=status,
        answer_headers=masked_headers(answer_headers),
        answer=masked(answer),
        milliseconds=milliseconds,
    )
