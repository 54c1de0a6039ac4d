# attempts: 53
# expect: output
print("x" * 8 * 2**20)
