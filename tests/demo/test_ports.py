"""The ports of the demo's processes."""

from gateway.demo.broker import free_ports


def test_a_process_is_given_no_port_twice() -> None:
    """Of fourteen partners that started together two took the same port, once in sixteen runs."""
    given = [port for _ in range(100) for port in free_ports(2)]
    assert len(given) == len(set(given))
