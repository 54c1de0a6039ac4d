# attempts: 55
# expect: fooled
# Within its own process nothing keeps code from lying to its tests, as in nbgrader. It gains its own points only.
class Everything:
    def __eq__(self, other):
        return True


value = Everything()
