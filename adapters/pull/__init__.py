"""Pulling feeds: each platform that has one is asked by its schedule, and what came becomes a complete snapshot.

    transport ─▶ format ─▶ judging ─▶ Census, Harvest ─▶ Snapshots ─▶ Run

``Pulls`` runs it all: one owner per platform over all replicas, a record of ``runs`` after each run.
"""
