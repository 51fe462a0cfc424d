"""Pull feeds: fetch each platform's feed by its schedule and apply it as a complete snapshot.

    transport ─▶ format ─▶ judging ─▶ FeedCounts, FeedUpload ─▶ Snapshots ─▶ Run

``Pulls`` runs all of it, with one owner per platform over all replicas, and appends a record of ``runs`` per run.
"""
