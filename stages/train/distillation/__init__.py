"""Smaller networks that learn from the chosen one: a lighter family, and the chosen network with
fewer channels."""
