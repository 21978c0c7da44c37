"""What is to be predicted: steps, head, loss and metrics of each kind."""
