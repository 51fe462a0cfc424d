"""Formats: convert the bytes of a partner's feed to offers of the shared schema and problems. Pure, streaming, bounded.

    mapping = load_mapping("cleverconnect", {"fields": {"levels": {"constant": ["seconde"]}}})
    for item in read(blocks, mapping, platform="bretagne", on=day): …

A mapping is data, checked by ``schemas/json/mapping.schema.json``; ``docs/formats/`` explains it to partners.
"""
