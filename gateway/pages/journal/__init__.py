"""The operator's page of the journal: who did what, when and why; whether the chain is whole."""
