"""Readers and writers of data files, and the checks of what they hold."""
