"""The demo: realistic offers from a seed, and a small federation that publishes and reads them."""
