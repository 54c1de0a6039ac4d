# attempts: 25
# expect: stuck cell-time died memory
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
