"""Phase two of a search: the tails of the best backbones are taught, with the head that phase one
found for each."""
