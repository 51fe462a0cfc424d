"""A reader's copy of the changes feed in SQLite, and the tree over it, written from docs/protocol.md alone (DIG-*)."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from functools import cache
from typing import Any

import rfc8785


@cache
def sha256(text: str | None) -> str:
    """Hex SHA-256 of a text."""
    return hashlib.sha256((text or "").encode()).hexdigest()


@cache
def content_digest(document: str) -> str:
    """The digest of an offer."""
    return hashlib.sha256(rfc8785.dumps(json.loads(document))).hexdigest()


EMPTY = sha256("")


class SqliteCopy:
    """The copy: what it holds may be changed behind its back, through ``db``."""

    def __init__(self) -> None:
        self.cursor = ""
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("sha256", 1, sha256, deterministic=True)
        self.db.create_function("content_digest", 1, content_digest, deterministic=True)
        self.db.executescript("""
            CREATE TABLE offers (id TEXT PRIMARY KEY, sequence INTEGER, document TEXT);
            CREATE VIEW lines AS SELECT substr(sha256(id), 1, 4) AS leaf, id, sequence,
                content_digest(document) AS digest FROM offers WHERE document IS NOT NULL;
            CREATE VIEW leaves AS SELECT leaf, sha256(group_concat(line, '')) AS digest FROM
                (SELECT leaf, id || ' ' || sequence || ' ' || digest || char(10) AS line FROM lines ORDER BY leaf, id)
                GROUP BY leaf;
        """)

    def apply(self, page: Mapping[str, Any]) -> None:
        """Apply a page of the feed, and keep its cursor."""
        for change in page["changes"]:
            self.db.execute(
                "INSERT INTO offers VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " sequence = excluded.sequence, document = excluded.document WHERE excluded.sequence > sequence",
                (change["id"], change["sequence"], json.dumps(change["offer"]) if "offer" in change else None),
            )
        self.cursor = page["cursor"]

    def node(self, path: str) -> dict[str, Any]:
        """The digest of a node, and what is below it."""
        if len(path) == 4:
            lines = self.db.execute(
                f"SELECT id, sequence, digest FROM lines WHERE leaf = '{path}' ORDER BY id"
            ).fetchall()
            items = [dict(zip(("id", "sequence", "digest"), line, strict=True)) for line in lines]
            return {"digest": sha256("".join("{} {} {}\n".format(*line) for line in lines)), "items": items}
        known = dict(self.db.execute(f"SELECT leaf, digest FROM leaves WHERE leaf LIKE '{path}%'"))
        leaves = [known.get(f"{path}{number:0{4 - len(path)}x}", EMPTY) for number in range(256 if path else 1 << 16)]
        children = leaves if path else [sha256("".join(leaves[at : at + 256])) for at in range(0, 1 << 16, 256)]
        return {"digest": sha256("".join(children)), "children": children}
