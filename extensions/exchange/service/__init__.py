"""The exchange's service: one process, whose state is a database and a folder of files."""
