"""Rules of the national site for writes: creation, change, deletion, and validation of offers; the form of a rule."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Version: TypeAlias = Literal["v1", "v2"]
BOTH: tuple[Version, ...] = ("v1", "v2")
V1: tuple[Version, ...] = ("v1",)
V2: tuple[Version, ...] = ("v2",)
_IN_V1 = "app/controllers/api/v1/internship_offers_controller.rb"
_IN_V2 = "app/controllers/api/v2/internship_offers_controller.rb"
_SHARED = "app/controllers/api/shared/internship_offers_controller.rb"
_BUILDER = "app/libs/builders/internship_offer_builder.rb"
_ADAPTER = "app/libs/dto/api_params_adapter.rb"
_OFFER = "app/models/internship_offer.rb"
_API_OFFER = "app/models/internship_offers/api.rb"
_PLANNING = "app/models/concerns/stepper_proxy/planning.rb"
_ENTERPRISE = "app/models/concerns/stepper_proxy/entreprise.rb"
_ZIPCODE = "app/models/concerns/zipcodable.rb#reverse_department_by_zipcode"
_COORDINATES = "app/models/concerns/nearbyable.rb#coordinates_are_valid?"
_COLUMNS = "db/structure.sql#internship_offers"
_INVALID = "VALIDATION_ERROR"
_WRONG = "WRONG_PARAMS"
_PAYLOAD = "BAD_PAYLOAD"


@dataclass(frozen=True, slots=True)
class SiteRule:
    """A behaviour of the site (``does``), and the file and method of its code (``source``).

    ``status`` and ``code`` are those of the rule's answer; both are None where the rule only changes another rule's
    answer.
    """

    does: str
    source: str
    status: int | None = None
    code: str | int | None = None
    versions: tuple[Version, ...] = BOTH


BODY_RULES: dict[str, SiteRule] = {
    # Body
    "body.missing": SiteRule(
        "a body without a known key of internship_offer is refused",
        f"{_IN_V2}#update_internship_offer_params",
        422,
        _PAYLOAD,
    ),
    "body.not-object": SiteRule(
        "an internship_offer that is no object breaks the site", f"{_IN_V2}#check_presence_of_params", 500
    ),
    "body.unknown-key": SiteRule("other keys, such as siret, are dropped", f"{_IN_V2}#create_internship_offer_params"),
    "body.shape": SiteRule(
        "a list for a text, or a text for a list or object, is dropped", f"{_IN_V2}#create_internship_offer_params"
    ),
    "body.null-object": SiteRule(
        "null for a list or an object is as if absent", f"{_IN_V2}#create_internship_offer_params"
    ),
    "body.old-keys": SiteRule(
        "v1 knows neither grades, weeks, rep, qpv nor employer_chosen_name",
        f"{_IN_V1}#create_internship_offer_params",
        versions=V1,
    ),
    "text.cast": SiteRule("numbers and booleans become texts", _COLUMNS),
    "truth.cast": SiteRule("a boolean may be 0, off, f or false; any other value is true", _COLUMNS),
    # Grades and weeks
    "grades.default": SiteRule("where grades are absent or null, they are seconde", f"{_ADAPTER}#check_grades"),
    "grades.unknown": SiteRule(
        "unknown grades are dropped, and none left is seconde (or breaks the site: unknown)",
        f"{_ADAPTER}#check_grades",
        versions=V2,
    ),
    "grades.text": SiteRule(
        "a text in place of a list becomes seconde, or breaks the site where it says seconde",
        f"{_IN_V2}#check_college_xor_lycee",
        versions=V2,
    ),
    "weeks.unknown": SiteRule("weeks that do not exist are dropped", f"{_IN_V2}#format_week_ids", versions=V2),
    "weeks.loose": SiteRule(
        "a week is read loosely: no padding, no W, more behind it", f"{_IN_V2}#format_week_ids", versions=V2
    ),
    "weeks.malformed": SiteRule(
        "a week without hyphen, or that is no text, breaks the site", f"{_IN_V2}#format_week_ids", 500, versions=V2
    ),
    "weeks.old": SiteRule("v1 makes the weeks of `period`: 1, 2, else both", f"{_IN_V1}#get_weeks", versions=V1),
    "weeks.year": SiteRule(
        "the mandatory weeks are those of June's last two Fridays; the year changes on 1 July, or after July (unknown)",
        "app/models/school_track/base.rb#current_year",
    ),
    # Creation
    "create.done": SiteRule("an offer is created and published at once", f"{_BUILDER}#create", 201),
    "create.incomplete": SiteRule(
        "grades and weeks must be there", f"{_IN_V2}#check_presence_of_params", 422, _PAYLOAD, V2
    ),
    "create.mixed": SiteRule(
        "collège and lycée do not go together", f"{_IN_V2}#check_college_xor_lycee", 422, _WRONG, V2
    ),
    "create.mandatory": SiteRule(
        "seconde needs both mandatory weeks, written with padding",
        f"{_IN_V2}#check_grades_and_weeks_validity",
        422,
        _WRONG,
        V2,
    ),
    "create.duplicate": SiteRule(
        "a remote id is taken once per account", f"{_API_OFFER}#remote_id", 409, "DUPLICATE_API"
    ),
    "create.dead-name": SiteRule(
        "a deleted offer keeps its remote id (or not: unknown)", f"{_API_OFFER}#remote_id", 409, "DUPLICATE_API"
    ),
    "create.other-name": SiteRule("another account may use the same remote id", f"{_API_OFFER}#remote_id"),
    "create.published-at": SiteRule("published_at is not taken", f"{_IN_V2}#create_internship_offer_params"),
    "create.open-data": SiteRule("open_data is copied from the account", f"{_BUILDER}#create"),
    "create.no-weeks": SiteRule(
        "an offer without any real week has no first day and breaks the site",
        f"{_COLUMNS}.first_date",
        500,
        versions=V2,
    ),
    "create.old-period": SiteRule("another period counts as both weeks", f"{_IN_V1}#get_weeks", versions=V1),
    # Change
    "update.done": SiteRule("a change answers the whole offer", f"{_BUILDER}#update", 200),
    "update.partial": SiteRule("what is left out stays", f"{_BUILDER}#update"),
    "update.missing": SiteRule("no offer has that remote id", f"{_IN_V2}#update", 404, "NOT_FOUND"),
    "update.foreign": SiteRule(
        "another account's offer is found, and forbidden", "app/models/ability.rb#operator_abilities", 403, "FORBIDDEN"
    ),
    "update.team": SiteRule(
        "an offer of the team becomes the caller's", f"{_ADAPTER}#assign_offer_to_current_api_user"
    ),
    "update.dead": SiteRule("a deleted offer is found and changed, and stays deleted", f"{_IN_V2}#update"),
    "update.checked": SiteRule(
        "grades and weeks are checked as in a creation where both are there", f"{_IN_V2}#update", 422, _WRONG, V2
    ),
    "update.mixed": SiteRule(
        "collège with lycée is refused by the model where weeks are absent",
        f"{_API_OFFER}#college_xor_lycee",
        400,
        _INVALID,
        V2,
    ),
    "update.old-period": SiteRule(
        "v1 refuses another period, with a number as code", f"{_IN_V1}#check_period_validity", 400, 401, V1
    ),
    "update.old-weeks": SiteRule("v1 always writes weeks, and seconde", f"{_IN_V1}#default_v1_params", versions=V1),
    "update.no-weeks": SiteRule("a published offer keeps a week", f"{_PLANNING}#weeks", 400, _INVALID, V2),
    "update.unpublished": SiteRule(
        "published_at null, blank or no date unpublishes", f"{_API_OFFER}#reset_publish_states"
    ),
    "update.republished": SiteRule("a date publishes an unpublished offer now", f"{_API_OFFER}#reset_publish_states"),
    "update.dated": SiteRule("a date on a published offer is kept as it is", f"{_BUILDER}#update"),
    "update.writes-first": SiteRule("a refused change has written weeks and grades", f"{_BUILDER}#update"),
    "update.name-taken": SiteRule(
        "a second row of the account under this remote id blocks every change", f"{_API_OFFER}#remote_id", 400, _INVALID
    ),
    "update.order": SiteRule(
        "of rows with one remote id any may be found (unknown: the least recently written, or the oldest)",
        f"{_IN_V2}#update",
    ),
    "update.name-kept": SiteRule("remote_id is not taken", f"{_IN_V2}#update_internship_offer_params"),
    # Deletion
    "delete.done": SiteRule("a deletion hides the offer and answers it", f"{_SHARED}#destroy", 200),
    "delete.missing": SiteRule("no offer of the account has that remote id", f"{_SHARED}#destroy", 404, "NOT_FOUND"),
    "delete.twice": SiteRule(
        "a deleted offer is not deleted again", f"{_BUILDER}#discard", 409, "API_ALREADY_DESTROYED"
    ),
    # Validation
    "check.missing": SiteRule("a blank text, also of spaces, is missing", f"{_OFFER}#title", 400, _INVALID),
    "check.length": SiteRule(
        "title, description, employer's name and description, street, city have a longest length",
        f"{_OFFER}#title",
        400,
        _INVALID,
    ),
    "check.column": SiteRule("a longer remote id, permalink or website breaks the site", _COLUMNS, 500),
    "check.zipcode": SiteRule("a postcode is five digits", f"{_API_OFFER}#zipcode", 400, _INVALID),
    "check.department": SiteRule("a postcode must have a department", _ZIPCODE, 400, _INVALID),
    "check.position": SiteRule("a coordinate that is 0, absent or no number is missing", _COORDINATES, 400, _INVALID),
    "check.range": SiteRule("a latitude above 90 is taken", _COORDINATES),
    "check.permalink": SiteRule(
        "a permalink with test or staging is refused, in any case and place", f"{_API_OFFER}#permalink", 400, _INVALID
    ),
    "check.sector": SiteRule("an unknown sector is missing", f"{_ADAPTER}#map_sector_uuid_to_sector", 400, _INVALID),
    "check.seats": SiteRule(
        "max_candidates is a whole number from 1 to 6000", f"{_PLANNING}#max_candidates", 400, _INVALID
    ),
    "check.public": SiteRule(
        "is_public null is refused in a change, and false in a creation", f"{_ENTERPRISE}#is_public", 400, _INVALID
    ),
    "seats.default": SiteRule("absent, null or blank seats are 1 in a creation", f"{_PLANNING}#set_default_values"),
    "seats.text": SiteRule("digits in a text are a number", f"{_PLANNING}#max_candidates"),
    "name.chosen": SiteRule(
        "employer_chosen_name replaces employer_name, now and later", f"{_ENTERPRISE}#entreprise_used_name", versions=V2
    ),
    "name.both": SiteRule(
        "employer_chosen_name does not replace a missing name", f"{_ENTERPRISE}#employer_name", 400, _INVALID, V2
    ),
    "place.street": SiteRule("a blank street is sought by the coordinates, else N/A", f"{_ADAPTER}#check_street"),
    "place.zipcode": SiteRule("a blank postcode is sought by the coordinates, else N/A", f"{_ADAPTER}#check_zipcode"),
    "place.point": SiteRule("blank coordinates are sought by the postcode", f"{_ADAPTER}#check_coordinates"),
    "place.not-found": SiteRule(
        "coordinates that are not found are missing", f"{_ADAPTER}#check_coordinates", 400, _INVALID
    ),
}
"""Every rule for writes, by name."""
