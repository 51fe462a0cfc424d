"""Files of offers: splitting them into documents."""

import gzip
from pathlib import Path

import pytest

from gateway.cli.console import CommandError
from gateway.cli.document import FileDocument, read_documents, read_submissions
from schemas import MAX_OFFER_BYTES


def read(folder: Path, name: str, content: bytes) -> list[FileDocument]:
    path = folder / name
    path.write_bytes(content)
    return list(read_documents(path, "en"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("o.ndjson", b'{"a":1}\n{"a":2}\n', [(1, b'{"a":1}'), (2, b'{"a":2}')]),
        ("o.ndjson", b'{"a":1}\r\n\r\n  {"a":2}', [(1, b'{"a":1}'), (3, b'{"a":2}')]),
        ("o.ndjson", b'oops\n{"a":2}\n', [(1, b"oops"), (2, b'{"a":2}')]),
        ("o.json", b'{"a":1}\n{"a":2}\n', [(1, b'{"a":1}'), (2, b'{"a":2}')]),
        ("o.json", b'{\n  "a": 1\n}\n', [(1, b'{\n  "a": 1\n}')]),
        ("o.json", b'[{"a":1},\n {"a": [2, 3]} ]\n', [(1, b'{"a":1}'), (2, b'{"a": [2, 3]}')]),
        ("o.json", b"[]", []),
        ("o.json", b'\n [ {"a":1,"a":1e0} ]', [(1, b'{"a":1,"a":1e0}')]),
        ("o.ndjson", b"", []),
    ],
)
def test_each_document_comes_as_it_is_written(
    tmp_path: Path, name: str, content: bytes, expected: list[tuple[int, bytes]]
) -> None:
    """Byte for byte, so that its verdict is the one that the gateway would give."""
    assert expected == [(document.number, document.raw) for document in read(tmp_path, name, content)]
    packed = read(tmp_path, f"{name}.gz", gzip.compress(content))
    assert expected == [(document.number, document.raw) for document in packed]


def test_an_object_over_several_lines_goes_out_on_one(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "o.json", b'{\r\n "a": 1\n}')
    assert b'{   "a": 1 }' == document.line


def test_an_endless_line_is_cut_to_what_is_still_too_large(tmp_path: Path) -> None:
    """So that reading it takes little memory, and the line after it is read whole."""
    documents = read(tmp_path, "o.ndjson", b'{"a":"' + b"x" * (20 * MAX_OFFER_BYTES) + b'"}\n{"b":1}\n')
    assert [MAX_OFFER_BYTES + 1, len(b'{"b":1}')] == [len(document.raw) for document in documents]
    assert [1, 2] == [document.number for document in documents]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.json", b'[{"a":1},'),
        ("o.json", b'[{"a":1} {"a":2}]'),
        ("o.json", b"[" * 100_000),
        ("o.json", b'[{"a":"\xff"}]'),
        ("o.ndjson.gz", gzip.compress(b'{"a":1}\n' * 100, mtime=0)[:-20]),
        ("o.ndjson.gz", gzip.compress(b'{"a":1}\n' * 100, mtime=0)[:20] + b"\xff" * 20),
    ],
)
def test_a_broken_file_ends_with_a_next_step(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(CommandError) as caught:
        read(tmp_path, name, content)
    assert caught.value.step


def test_a_missing_file_and_a_folder_end_with_a_next_step(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ndjson", tmp_path):
        with pytest.raises(CommandError) as caught:
            list(read_documents(path, "en"))
        assert caught.value.step


def test_only_the_closing_count_of_a_snapshot_is_no_submission(tmp_path: Path) -> None:
    path = tmp_path / "o.ndjson"
    others = [b'{"count": "x"}', b'["count"]', b'{"count": 12, "id": "x"}']
    path.write_bytes(b"\n".join([*others, b'{"count": 3}']))
    assert others == [document.raw for document in read_submissions(path, "en")]
