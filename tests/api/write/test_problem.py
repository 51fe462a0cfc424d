"""Problem documents: one form for every error, in the client's language, without internals of the gateway."""

import asyncio
from contextlib import suppress
from http import HTTPStatus

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

import schemas
from gateway.api.malformed_http import ProblemRunner
from gateway.api.problem import ProblemError, language_of, problem_document, refuse
from gateway.errors import (
    FencedError,
    LogBusyError,
    LogError,
    LogUnavailableError,
    UnknownOutcomeError,
)
from schemas.packaged import read_json
from schemas.refusal import title
from schemas.rulebook import LANGUAGES


async def answer_to(error: Exception) -> web.Response:
    return refuse(make_mocked_request("GET", "/"), error)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "fr"),
        ("*", "fr"),
        ("de", "fr"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("fr-FR, en;q=0.8", "fr"),
        ("fr;q=0.3, en;q=0.8", "en"),
        ("en;q=0", "fr"),
        ("EN", "en"),
        ("en;q=much", "fr"),
        (";;,,=", "fr"),
    ],
)
def test_the_language_is_french_unless_english_is_preferred(header: str, expected: str) -> None:
    """ERR-001"""
    assert expected == language_of(make_mocked_request("GET", "/", headers={"Accept-Language": header}))


@pytest.mark.parametrize("code", read_json("catalogue", "http.json"))
def test_every_code_with_a_status_is_a_problem_document(code: str) -> None:
    """ERR-001: its texts can be filled with what such an error brings."""
    error = ProblemError(code, expected=1, actual=2, parameter="limit", index=3)

    for language in LANGUAGES:
        document = problem_document(error, language)
        assert [] == list(schemas.validator("problem").iter_errors(document))
        assert schemas.catalogue()[code].status == document["status"]
        assert f"urn:fr:stages:problem:{code}" == document["type"]


@pytest.mark.parametrize("status", [status for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST])
def test_every_status_of_an_error_has_a_title_in_both_languages(status: HTTPStatus) -> None:
    """ERR-011: also one that only the HTTP library knows."""
    assert title(status, "fr") != title(status, "en")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LogBusyError("queue"), "log-busy"),
        (LogUnavailableError("broker-7"), "log-unavailable"),
        (UnknownOutcomeError("timed out"), "outcome-unknown"),
        (FencedError("epoch"), "log-unavailable"),
    ],
)
async def test_a_failing_log_is_503_unknown_with_a_retry_after(error: LogError, code: str) -> None:
    """ERR-009"""
    response = await answer_to(error)
    document = orjson.loads(response.body)  # type: ignore[arg-type]  # bytes

    assert (503, code) == (response.status, document["code"])
    assert int(response.headers["Retry-After"]) > 0
    assert "sans risque" in document["fix"]
    assert str(error) not in document["detail"]


async def test_an_unexpected_error_is_500_without_its_text() -> None:
    """ERR-010"""
    response = await answer_to(RuntimeError("password=hunter2"))

    assert 500 == response.status
    assert b"hunter2" not in response.body  # type: ignore[operator]  # bytes


async def test_a_redirection_is_no_problem() -> None:
    with pytest.raises(web.HTTPFound):
        await answer_to(web.HTTPFound("/elsewhere"))


async def test_a_broken_transfer_is_the_clients_fault_wherever_it_is_read() -> None:
    """ERR-001"""
    response = await answer_to(web.RequestPayloadError())

    assert isinstance(response.body, bytes)
    assert (400, "body-truncated") == (response.status, orjson.loads(response.body)["code"])


async def test_a_client_that_never_ends_its_headers_is_disconnected() -> None:
    """ERR-007: the time that an idle connection may last also bounds a request that does not begin."""
    runner = ProblemRunner(web.Application(), keepalive_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    async with asyncio.timeout(5):
        ended = asyncio.create_task(reader.read())
        writer.write(b"GET / HTTP/1.1\r\n")
        while not ended.done():
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)
    writer.close()
    await runner.cleanup()

    with suppress(ConnectionResetError):  # a line that crosses the end of the connection is answered by a reset
        assert b"" == ended.result()
