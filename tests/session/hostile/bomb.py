# attempts: 25
# expect: stuck cell-time died
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
