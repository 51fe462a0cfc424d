"""The national site's API: accounts, calls, answers, pages, retries."""
