"""Who proposes the trials."""
