"""The device SDK: loads a package and answers. Needs numpy, Pillow and one engine; copied whole into every package."""
