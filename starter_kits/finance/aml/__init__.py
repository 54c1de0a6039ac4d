"""Money laundering in payments: a made-up bank, strong baselines, a graph model, and decisions with their costs."""
