"""Layers cut into stages that work side by side on micro-batches: schedule, micro_batch, stage and
balance, joined by epoch (docs/pipeline.md)."""
