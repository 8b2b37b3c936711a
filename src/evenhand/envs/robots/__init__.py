"""Groups of robots: the bodies of Gymnasium's robots with other numbers, one group each."""
