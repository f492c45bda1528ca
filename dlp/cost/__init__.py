"""The cost model: what a choice costs on a target, by calculation alone."""
