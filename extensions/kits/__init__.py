"""Starter kits as data: a folder with kit.toml, notebooks as text, a package and an app; checked, built, catalogued."""
