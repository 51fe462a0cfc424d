"""The operator's page of the journal: author, act, time and reason; whether the chain is whole."""
