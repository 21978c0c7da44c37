"""Hard limits of a device: what an untrained network would cost there, before a step of training is
spent on it.

Measured is the network alone, as it would be packed: exported by the exporter that deploys, in the
first number format of `deploy.ladder` that its graph can be brought into, one window at a time on
one thread. What was measured is kept by what was measured, so that it is the same when it is asked
for again."""
