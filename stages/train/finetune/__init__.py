"""Fine-tuning, the second phase of a search: the last layers of the best backbones are trained
together with the heads that the search over heads found for them."""
