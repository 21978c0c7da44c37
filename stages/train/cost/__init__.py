"""What training costs (minutes, memory, disk), how many trials fit a budget, a device's limits."""
