"""Contract suites for authors of adapters, one per port."""
