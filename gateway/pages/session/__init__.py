"""Sign-in and sign-out: a link begins a session, a button ends it."""
