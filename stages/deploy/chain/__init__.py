"""Chains: a detector and a classifier of its crops as one package, measured from photo to label."""
