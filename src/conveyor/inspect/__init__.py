"""Looking inside a recurrent network: what its values are, how its gradients flow, and what tells them apart."""
