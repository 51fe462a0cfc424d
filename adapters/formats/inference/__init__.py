"""Draft a mapping from a sample: format, items, and a rule for each field that the sample can give. Pure and bounded.

    sample = read_sample(blocks)
    made = draft(sample, on=day, corrections={"title": "intitule", "seats": None})
    made.mapping, made.guesses["title"].evidence
    mapping, lines = rehearse(made)

``Sample`` holds no more than 50 items and 256 kB and can be stored between two steps of a dialogue.
"""
