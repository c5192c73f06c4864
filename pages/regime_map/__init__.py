"""The parts of the page Regime map: which maps there are, their controls, the sweep, what is drawn and said."""
