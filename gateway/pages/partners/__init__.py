"""The operator's page of the platforms that take part: onboard, alter, rotate, invite, sign out, revoke."""

from gateway.pages.partners.view import pages

__all__ = ["pages"]
