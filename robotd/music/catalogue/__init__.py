"""Catalogues: songs without their sound, in CSV files that anybody may have made, read and written."""
