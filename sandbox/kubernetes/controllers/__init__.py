"""What a control plane does by itself: each controller makes the objects what they are asked to be."""
