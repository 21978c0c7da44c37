"""Model families, one file each, with their paper, input facts and published weights."""
