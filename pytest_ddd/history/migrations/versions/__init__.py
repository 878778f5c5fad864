"""The scripts; `r0001_…` is revision 0001."""
