"""The whole chain: lifecycle, perceiving, answering, commands."""
