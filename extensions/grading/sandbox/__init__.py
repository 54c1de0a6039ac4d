"""Where student code runs: namespaces, limits, and a kernel that is started inside them."""
