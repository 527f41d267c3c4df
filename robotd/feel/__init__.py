"""One estimate of how the person feels, from all readings over time."""
