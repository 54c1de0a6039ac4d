# attempts: 54
# expect: garbled output died
from IPython import get_ipython

kernel = get_ipython().kernel
kernel.session.pack = lambda thing: b"[" * 1_000_000 + b"]" * 1_000_000
print("deep")
