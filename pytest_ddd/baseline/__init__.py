"""What good looks like: YAML files read into frozen models that remember every line."""
