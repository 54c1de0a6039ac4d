# attempts: 57
# expect: died
import atexit
import os

atexit.register(lambda: print("all tests passed"))
os._exit(0)
