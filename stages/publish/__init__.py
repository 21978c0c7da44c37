"""What is live: packages that are published, their history, the service that answers with them,
and what its use teaches."""
