"""AI Workflow's product: the four stages, and everything that they use."""
