"""Where a gateway listens: sockets and addresses, of IPv4 and IPv6 alike."""

import os
import socket


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; ``::`` takes IPv4 as well, where the machine can. Raises OSError when it cannot be had."""
    if ":" not in host:
        return socket.create_server((host, port), backlog=1024)
    both = host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=both)


def reason(error: OSError) -> str:
    """Why ``bind`` failed, in the words of the system, to which Python adds the address once more. A host name that is
    not found has an error number below nought, for which the system has none.
    """
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror)


def place(host: str, port: int) -> str:
    """``host:port`` as it stands in an address: an IPv6 host in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
