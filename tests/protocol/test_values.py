"""Identity, records, receipts, seals, cursors, routing: the values of the protocol and their conversions."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol import cursor as cursors
from gateway.protocol.change import change_for
from gateway.protocol.decide import Accepted, Stale
from gateway.protocol.identity import is_offer_id, is_slug, partition_of, platform_of
from gateway.protocol.receipt import ReceiptIds, Versions, receipt_record
from gateway.protocol.record import (
    OfferState,
    event_headers,
    offer_record,
    read_offer,
    read_submission,
    skim_submission,
    submission_record,
    utc,
)
from gateway.protocol.routing import Filter, Reader, masked, provenance_of
from gateway.protocol.seal import Seal
from gateway.protocol.submission import Forget, Known, Lift, Publish, Retire, Withdraw

OFFER = {
    "id": "bretagne:1",
    "title": "Découverte d'un atelier",
    "employer": {"name": "Atelier du Port", "siret": "73282932000074", "public": False},
    "location": {
        "postal_code": "35000",
        "city": "Rennes",
        "street": "1 quai Sud",
        "latitude": 48.11,
        "longitude": -1.68,
    },
    "levels": ["seconde"],
    "weeks": ["2027-W24", "2027-W25"],
    "sector": "s5",
    "apply_url": "https://www.stages.example/1",
    "extensions": {"bretagne": {"note": "x"}},
}
TERRITORY = {"department": "35", "region": "53", "academie": "rennes"}


def known(**more: object) -> Known:
    fields = {"revision": 1, "digest": "aa", "sequence": 5, "position": 0, "appended_at": 1_796_000_000_000}
    fields = {**fields, "provenance": ("bretagne",), "shared": frozenset({"regions", "national"}), **more}
    return Known(**{"never": frozenset(fields["provenance"]), **fields})  # type: ignore[arg-type]


class TestIdentity:
    @pytest.mark.parametrize("text", ["bretagne:1", "pays-de-la-loire:a.b_c~d-e", "national:" + "x" * 60, "d35:0"])
    def test_these_are_offer_ids(self, text):
        """[IDN-001]."""
        assert is_offer_id(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "bretagne",
            "bretagne:",
            ":1",
            "Bretagne:1",
            "bretagne:1\n",
            "bretagne:é",
            "bretagne:a/b",
            "bretagne:a:b",
            "bretagne:" + "x" * 61,
            "-a:1",
            "a--b:1",
            "a" * 41 + ":1",
        ],
    )
    def test_these_are_not(self, text):
        """[IDN-001]."""
        assert not is_offer_id(text)

    def test_no_partner_bears_the_gateways_name(self):
        """[IDN-002]."""
        assert (is_slug("gateway"), is_slug("grand-est"), is_slug("a" * 40), is_slug("a" * 41)) == (
            False,
            True,
            True,
            False,
        )

    def test_the_partition_of_an_offer_is_the_crc_32_of_its_id(self):
        """[IDN-004]: fixed for ever, so pinned by value."""
        assert [partition_of(f"bretagne:{n}", 3) for n in range(6)] == [2, 0, 2, 0, 0, 0]
        assert platform_of("bretagne:1") == "bretagne"


SUBMISSIONS = [
    Publish(
        receipt="r1",
        publisher="bretagne",
        id="bretagne:1",
        revision=2,
        digest="aa",
        offer=OFFER,
        audiences=("national",),
        territory=TERRITORY,
        expires_on="2027-06-27",
        problems=({"code": "x"},),
        provenance=("bretagne",),
        mark=4,
        traceparent="00-a-b-01",
    ),
    Withdraw(receipt="r2", publisher="bretagne", id="bretagne:1", revision=3, reason="filled", digest="bb"),
    Retire(receipt="r3", id="bretagne:1", if_revision=3, reason="absent", before=7),
    Lift(receipt="r4", id="bretagne:1", if_revision=3),
    Forget(receipt="r5", id="bretagne:1", if_sequence=9),
]


class TestRecords:
    @pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: type(one).__name__)
    def test_a_submission_survives_the_log(self, submission):
        record = submission_record(submission)
        assert record.key == b"bretagne:1"
        assert read_submission(record.value or b"") == submission

    @pytest.mark.parametrize("submission", SUBMISSIONS, ids=lambda one: type(one).__name__)
    def test_a_submission_that_is_only_skimmed_is_the_same(self, submission):
        """Also where a text of the offer, or of a problem, looks like the place where the offer begins."""
        if isinstance(submission, Publish):
            trap = ',"offer":{"title":"x"}'
            submission = replace(submission, offer={**OFFER, "title": trap}, problems=({"actual": trap},))
        skimmed = skim_submission(submission_record(submission).value or b"")
        assert submission_record(skimmed) == submission_record(submission)
        if isinstance(submission, Publish):
            assert replace(skimmed, offer=submission.offer) == submission

    @pytest.mark.parametrize("raw", [b"{}", b'{"kind":"other"}'])
    def test_what_the_gateway_did_not_write_is_an_error(self, raw):
        with pytest.raises(ValueError, match="unknown kind"):
            read_submission(raw)

    @pytest.mark.parametrize(
        "state",
        [
            OfferState("bretagne:1", known(expires_on="2027-06-27"), OFFER, TERRITORY),
            OfferState("bretagne:1", known(reason="filled")),
        ],
        ids=["live", "marker"],
    )
    def test_a_record_of_offers_carries_all_that_a_rebuild_needs(self, state):
        record = offer_record(state)
        assert read_offer(record.key or b"", record.value or b"") == state

    def test_a_change_on_a_feed_is_a_binary_cloudevent(self):
        """[RTE-010]."""
        headers = dict(event_headers("bretagne:1", 5, at=1_796_000_000_000, published=True))
        assert headers["ce_id"] == b"bretagne:1:5"
        assert headers["ce_type"] == b"fr.stages.offer.published.v1"
        assert headers["ce_specversion"] == b"1.0"
        assert headers["content-type"] == b"application/json"

    def test_a_value_is_compared_and_hashed_by_its_fields(self):
        assert known() == known() != known(revision=2)
        assert len({known(), known(), known(revision=2)}) == 2

    def test_instants_are_rfc_3339_in_utc(self):
        assert utc(1_796_000_000_007) == "2026-11-30T00:53:20.007Z"


class TestReceipts:
    ids = ReceiptIds(b"k" * 32)

    def test_an_id_reads_back_for_its_publisher_alone(self):
        """[RCP-002]: another's id is like a forged one."""
        text = self.ids.mint("bretagne", partition=2, now=1_796_000_000_000, nonce=b"12345678")
        assert self.ids.read(text, publisher="bretagne") == (2, 1_796_000_000_000)
        assert self.ids.read(text, publisher="normandie") is None

    @given(st.text(max_size=70))
    def test_a_forged_id_never_reads(self, text):
        """[RCP-002]."""
        assert self.ids.read(text, publisher="bretagne") is None

    @given(st.integers(0, 47), st.integers(1, 255))
    def test_an_altered_id_never_reads(self, place, change):
        """[RCP-002]."""
        text = self.ids.mint("bretagne", partition=0, now=1, nonce=b"12345678")
        at = 1 + place % (len(text) - 1)
        other = chr((ord(text[at]) ^ change) & 0x7F)
        altered = text[:at] + other + text[at + 1 :]
        if altered != text:
            assert self.ids.read(altered, publisher="bretagne") is None

    def test_the_gateways_own_ids_are_the_same_when_made_again(self):
        """[RCP-003]."""
        parts = ("expired", "bretagne:1", 5)
        again = [self.ids.derive("bretagne", partition=1, parts=parts) for _ in range(2)]
        assert again[0] == again[1]
        assert self.ids.read(again[0], publisher="bretagne") == (1, 0)

    def test_a_receipt_says_verdict_sequence_place_and_versions(self):
        """[RCP-001]."""
        record = receipt_record(
            SUBMISSIONS[0],
            Accepted(known(), 5, created=True),
            publisher="bretagne",
            place="submissions/0/4",
            at=1_796_000_000_000,
            versions=Versions("1", "2"),
            problem=None,
        )
        body = orjson.loads(record.value or b"")
        assert {name: body[name] for name in ("receipt", "verdict", "sequence", "position", "rules_version")} == {
            "receipt": "r1",
            "verdict": "accepted",
            "sequence": 5,
            "position": "submissions/0/4",
            "rules_version": "2",
        }

    def test_a_refusal_says_why_and_what_stands(self):
        """[RCP-001]."""
        record = receipt_record(
            SUBMISSIONS[1],
            Stale(known(revision=9), "older-revision"),
            publisher="bretagne",
            place="submissions/0/4",
            at=1,
            versions=Versions("1", "2"),
            problem={"code": "older-revision"},
        )
        body = orjson.loads(record.value or b"")
        assert (body["verdict"], body["problems"], body["current"]) == (
            "stale",
            [{"code": "older-revision"}],
            {"revision": 9, "sequence": 5},
        )


class TestSeals:
    seal = Seal(b"k" * 32, purpose="cursor")

    @given(st.binary(max_size=100))
    def test_what_is_closed_opens(self, payload):
        assert self.seal.open(self.seal.close(payload)) == payload

    @given(st.text(max_size=60))
    def test_what_was_not_closed_here_does_not_open(self, text):
        """[SEC-006]."""
        assert self.seal.open(text) is None

    def test_purposes_and_keys_do_not_open_each_other(self):
        """[SEC-006]."""
        text = self.seal.close(b"x")
        assert Seal(b"k" * 32, purpose="mark").open(text) is None
        assert Seal(b"l" * 32, purpose="cursor").open(text) is None


class TestCursors:
    seal = Seal(b"k" * 32, purpose="cursor")
    asked = Filter(region=frozenset({"53"}))
    reader = Reader("normandie")

    def read(self, text: str, **change: object) -> object:
        given_ = {"asked": self.asked, "reader": self.reader, "log": "L", "end": (9, 9), "now": 1_000}
        return cursors.read(text, self.seal, **{**given_, **change})  # type: ignore[arg-type]

    def text(self) -> str:
        cursor = cursors.start(end=(9, 9), now=1_000, asked=self.asked, reader=self.reader, log="L")
        return cursors.write(cursor, self.seal)

    def test_a_cursor_comes_back_as_it_went(self):
        """[FEED-004]."""
        cursor = self.read(self.text())
        assert isinstance(cursor, cursors.Cursor)
        assert (cursor.positions, cursor.began) == ((0, 0), (9, 9))

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"asked": Filter()}, "cursor-filter"),
            ({"reader": Reader("bretagne")}, "resync-required"),
            ({"log": "M"}, "resync-required"),
            ({"now": 1_001 + cursors.FRESH_MS}, "resync-required"),
            ({"end": (9,)}, "resync-required"),
        ],
    )
    def test_a_cursor_is_refused_for_another_filter_reader_log_or_after_seven_days(self, change, fault):
        """[FEED-005] [FEED-009]."""
        assert self.read(self.text(), **change) == fault

    def test_a_forged_cursor_is_refused(self):
        """[FEED-004]."""
        assert self.read(self.text()[:-1] + "_") == "cursor-forged"


class TestRouting:
    def test_an_offer_never_goes_where_it_has_been(self):
        """[RTE-003] [RTE-004]: an apply URL on another platform's host says that it passed there."""
        hosts = {"stages.example": "occitanie"}
        assert provenance_of(OFFER, publisher="bretagne", hosts=hosts) == ("bretagne", "occitanie")
        state = OfferState("bretagne:1", known(provenance=("bretagne", "occitanie")), OFFER, TERRITORY)
        seen = [
            change_for(Reader(name), Filter(), state, above_start=True) is not None
            for name in ("occitanie", "grand-est")
        ]
        assert seen == [False, True]

    def test_redistribution_governs_regions_and_the_national_site_apart(self):
        """[RTE-002]."""
        for flag, reader in (("regions", "grand-est"), ("national", "national")):
            offer = {**OFFER, "redistribution": {flag: False}}
            state = OfferState("bretagne:1", known(shared=frozenset()), offer, TERRITORY)
            assert change_for(Reader(reader), Filter(), state, above_start=True) is None

    def test_an_offer_that_stops_being_shared_is_removed_where_it_was_shared(self):
        """[FEED-007]."""
        offer = {**OFFER, "redistribution": {"regions": False}}
        state = OfferState("bretagne:1", known(), offer, TERRITORY)
        expected = {"op": "removal", "id": "bretagne:1", "sequence": 5, "reason": "out-of-scope"}
        assert change_for(Reader("grand-est"), Filter(), state, above_start=True) == expected

    def test_an_offer_that_leaves_the_filter_is_removed_above_the_start_and_skipped_below(self):
        """[FEED-006]."""
        state = OfferState("bretagne:1", known(), OFFER, TERRITORY)
        elsewhere = Filter(department=frozenset({"29"}))
        assert change_for(Reader("grand-est"), elsewhere, state, above_start=False) is None
        removal = change_for(Reader("grand-est"), elsewhere, state, above_start=True)
        assert removal is not None
        assert removal["op"] == "removal"

    def test_a_removal_passes_every_filter(self):
        """[FEED-006]."""
        state = OfferState("bretagne:1", known(reason="filled"))
        change = change_for(Reader("grand-est"), Filter(region=frozenset({"11"})), state, above_start=True)
        assert change == {"op": "removal", "id": "bretagne:1", "sequence": 5, "reason": "filled"}

    def test_a_masked_employer_is_hidden_from_all_but_its_publisher(self):
        """[RTE-005]."""
        offer = {**OFFER, "redistribution": {"mask_employer": True}}
        shown = masked(offer, reader=Reader("grand-est"), publisher="bretagne")
        assert shown["employer"] == {"public": False}
        assert shown["location"] == {"postal_code": "35000", "city": "Rennes"}
        assert "extensions" not in shown
        assert masked(offer, reader=Reader("bretagne"), publisher="bretagne") == offer

    def test_a_masked_place_cannot_be_found_by_its_coordinates(self):
        """[RTE-005]."""
        state = OfferState("bretagne:1", known(), {**OFFER, "redistribution": {"mask_employer": True}}, TERRITORY)
        around = Filter(bbox=(-2.0, 48.0, -1.0, 49.0))
        assert change_for(Reader("grand-est"), around, state, above_start=False) is None
        bare = OfferState("bretagne:1", known(), OFFER, TERRITORY)
        assert change_for(Reader("grand-est"), around, bare, above_start=False) is not None
