"""The pages of those who teach a course. What they change, they ask of the exchange, which knows who may."""
