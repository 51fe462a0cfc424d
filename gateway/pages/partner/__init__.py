"""The pages of a platform: what needs it, its offers, its deliveries, its keys, its figures."""
