"""The doors: each takes messages in or hands them out, and knows nothing of what becomes of them."""
