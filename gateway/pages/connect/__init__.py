"""Brancher une plateforme: a profile from a sample of a platform's own feed, corrected field by field.

    upload ─▶ sandbox: guess, judge ─▶ page with sealed state ─▶ form with choices ─▶ sandbox ─▶ page, or the profile

The server keeps nothing: sample and choices travel in the form (``state.py``).
"""
