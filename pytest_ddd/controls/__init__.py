"""Reference data: identifiers of compliance controls, and how long what has to be kept.

Identifiers and our own short words only, never the text of a standard, each file with its source
and date. It helps to find evidence; it claims no compliance and is no legal advice.
"""
