"""Pushes: pages of the changes feed posted to the endpoints of subscribers, by one sender over all replicas."""
