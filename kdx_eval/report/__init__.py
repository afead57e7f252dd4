"""Documents for the budget examiner: everything printed comes from the claims ledger."""
