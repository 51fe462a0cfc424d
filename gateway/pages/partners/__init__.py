"""The operator's page of the platforms that take part: onboard, alter, rotate, invite, sign out, revoke."""
