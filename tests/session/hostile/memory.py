# attempts: 49
# expect: memory
import os
import time

for _ in range(6):
    if os.fork() == 0:
        took = bytearray(100 * 2**20)
        for at in range(0, len(took), 4096):
            took[at] = 1
        time.sleep(60)
time.sleep(60)
