"""Uploads: many items in one request, read as a stream, judged one by one, and spooled before anything is stored.

    bytes ─▶ read_blocks ─▶ Inflater ─▶ LineSplitter | ArraySplitter ─▶ Judge ─▶ Spool ─▶ Upload

``receive`` (module ``receive``) runs all stages and returns an ``Upload``. Memory use does not grow with the size, and
nothing is stored before everything is judged. A refusal of the whole upload is an ``UploadRefusedError``.
"""
