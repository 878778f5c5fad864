"""Start real Debian hosts and real services for the tests, on this machine and nowhere else."""
