"""Who proposes hyperparameters: `propose(count)` gives so many sets, `learn` hears how good some
were."""
