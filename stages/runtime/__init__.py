"""The device SDK: loads a package and answers. Copied whole into every package.

Needs numpy, one engine, and what opens its samples (Pillow or soundfile)."""
