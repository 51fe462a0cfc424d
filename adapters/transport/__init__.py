"""Transports: how a feed comes to the gateway. Each gives the whole feed, in a file of its own, or changes nothing.

    HttpsPull      asks an address, with validators, within limits, of public addresses only
    SftpDrop       the newest file of a folder on a server whose key is known
    FolderDrop     the newest file of a folder on this machine

A platform that publishes by the native protocol has none: there is nothing to fetch. What keeps a feed from coming
is a ``FeedError``, in French and English, and never says a secret or the path of an address.
"""
