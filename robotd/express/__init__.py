"""The ways out: MQTT, MIDI, JSON lines, the service manager."""
