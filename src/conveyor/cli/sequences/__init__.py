"""The commands on sequences: `train --task classify | regress | tag`, `evaluate`, `inspect` and `demo`."""
