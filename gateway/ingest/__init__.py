"""Input: single submissions, uploads, snapshots and inboxes; each request is carried out once."""
