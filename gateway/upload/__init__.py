"""Uploads: many items in one request, read as a stream, judged one by one, and spooled before anything is stored.

    bytes ─▶ read_blocks ─▶ Inflater ─▶ LineSplitter | ArraySplitter ─▶ Judge ─▶ Spool ─▶ Upload

``receive`` (``gateway.upload.receive``) runs the whole line and gives an ``Upload``. Memory stays flat whatever the
size, and nothing is stored before all has been judged. What refuses a whole upload is an ``UploadRefusedError``.
"""
