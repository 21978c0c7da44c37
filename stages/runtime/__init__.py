"""The device SDK: loads a package and answers. Copied whole into every package.

Needs numpy, Pillow and one engine."""
