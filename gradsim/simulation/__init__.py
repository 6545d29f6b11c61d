"""Ensembles of networks: chunks of replicas on threads, their memory, and the sums of their records."""
