"""Ways in: single submissions, uploads, snapshots, inboxes; each request carried out once."""
