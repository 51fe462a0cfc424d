"""Listening sockets and their endpoints, IPv4 and IPv6."""

import os
import socket
from ipaddress import ip_address


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; ``::`` takes IPv4 too if the system has dual stack. Raises OSError if it cannot bind."""
    if ":" not in host:
        return socket.create_server((host, port), backlog=1024)
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=both)


def reason(error: OSError) -> str:
    """The system's message for a failed ``bind``, without the address that Python appends.

    Name resolution errors have a negative number, for which the system has no message; Python's text is used then.
    """
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror)


def format_endpoint(host: str, port: int) -> str:
    """``host:port`` as in a URL: an IPv6 host is bracketed (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a name or address, an IPv6 one without brackets, is that of this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
