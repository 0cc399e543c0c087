"""Plans: what the parameters of one call stand for, decided once, before X is looked at."""
