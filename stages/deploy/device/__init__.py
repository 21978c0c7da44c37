"""Hard limits of a device: what an untrained network would cost there, before any training is spent
on it.

The network alone is measured, as it would be packed: exported by the exporter that deploys, in the
first number format of `deploy.ladder` to which its graph can be converted, one window at a time on
one thread. Measurements are cached by network and device, so that they are the same when they are
needed again."""
