"""Whether listeners hear the feeling that a piece was composed for, and how far it is from what people play."""
