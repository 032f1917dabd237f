package planner

// The weights of the objective against a worth of 1 for each Wh delivered at once to a
// car of the lowest class, and what counts as good enough. They were chosen on the
// benchmark's month.
const (
	// classStep is how much more a Wh of the next higher priority is worth.
	classStep = 10
	// mostWeight is the highest part a weight plays for energy.
	mostWeight = 3.0
	// early is how much a Wh delivered at the end of the span is worth less than one
	// delivered at once. Cars that are still to come are the reason: what is left free
	// now is lost, what is left for later may be needed by them.
	early = 0.5
	// earlyPriced takes its place when there are prices.
	earlyPriced = 0.05
	// dearest is what the dearest hour takes off the worth of a Wh against the cheapest.
	dearest = 0.5
	// evenWorth is how much more a Wh is worth to a car that has had nothing than to one
	// that is nearly full.
	evenWorth = 0.1
	// keepWorth is the part of the lowest current's worth that going on is worth more
	// than beginning.
	keepWorth = 0.005
	// sameWorth is what an unchanged setpoint is worth, in A of the present slot.
	sameWorth = 0.1
	// extraWorth is what a Wh beyond its fair part is worth to a car of unknown energy.
	extraWorth = 0.001
	// startAbove is the part of its lowest current from which on a car that the relaxed
	// plan gives it is let in before the search begins.
	startAbove = 0.4
	// enough is the relative gap at which the relaxed plan is good enough.
	enough = 0.001
)
