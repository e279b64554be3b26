"""What the tests stand on: builders of tars and images, and slow witnesses of our own."""
