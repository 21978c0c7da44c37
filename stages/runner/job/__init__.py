"""The training of a model as a Ray Job: handed in at a cluster's address, done there, heard here.

The cluster has to see the same store as this machine, and to have the libraries of this project;
the project itself is sent along."""

from stages.runner.job.remote_training import submitted

__all__ = ["submitted"]
