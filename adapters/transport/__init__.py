"""Transports: fetch a feed. Each returns the complete feed in a file of its own, or changes nothing.

    HttpsPull      a URL, with validators, within limits, on public addresses only
    SftpDrop       the newest file of a folder on a server with a known host key
    FolderDrop     the newest file of a folder on this machine

A platform that publishes by the native protocol has no transport. A failed fetch is a ``FeedError``, in French and
English, without secrets or the path of an address.
"""
