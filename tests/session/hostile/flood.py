# attempts: 53
# expect: output
while True:
    print("x" * 100_000, flush=True)
