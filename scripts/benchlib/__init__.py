"""What scripts/bench and scripts/instructions are made of; see their --help."""
