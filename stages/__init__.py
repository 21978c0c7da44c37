"""AI Workflow's product: the four stages, and everything they stand on."""
