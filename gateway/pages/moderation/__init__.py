"""Any offer for an operator: found, seen with its history, moderated with a reason, and that lifted."""
