"""The audit of one policy on one lending population: exact numbers, in words and pictures."""
