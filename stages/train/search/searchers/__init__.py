"""Who proposes hyperparameters: `propose(count)` gives so many sets, `learn` hears how good some
were. `startup`: how many are heard of before that counts."""
