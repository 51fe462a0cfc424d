"""Acts of an operator on a selection of offers or feeds: one reason, one confirmation, an outcome for each."""
