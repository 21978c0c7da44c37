"""Computes what training costs (minutes, memory, disk), and how many trials fit into a budget."""
