"""The model workshop: trains, converts, quantises and verifies the models that robotd runs."""
