"""Charts of the page Regime map: the plane of cells, a metric against beta, and against depth^q beta."""
