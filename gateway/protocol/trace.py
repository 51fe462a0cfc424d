"""The trace context that a submission may carry (W3C Trace Context, of any version)."""

import re

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def sound_traceparent(text: str | None) -> str | None:
    """A partner's ``traceparent`` as it is; None when there is none or it is malformed (PUB-007): it is forwarded
    to every reader, so that it must carry nothing else.
    """
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None
