"""The apps' own programs: ``python -I -m extensions.apps.serve.NAME SOCKET BASE_URL``, each in a process of its own."""
