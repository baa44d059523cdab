"""What scripts/bench is made of; see its --help."""
