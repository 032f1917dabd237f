package bench

import "strings"

// acnMonth is the kind of the instances made from the ACN month.
const acnMonth Kind = "acn"

// Instance is a named public workload with its golden bound. Names: scenario,
// connectors, root limit in percent of the need (W1: in amperes).
type Instance struct {
	Name       string
	Kind       Kind
	Connectors int // generated kinds
	Days       int
	RootAmps   float64
	Base       bool
	// BoundKWh is the most that perfect foresight delivers with continuous current,
	// no minimum and no latency, in slots of 5 minutes: no controller reaches it.
	BoundKWh float64
	// RollingLPKWh is what a linear programme over the cars present delivers that is
	// solved every 5 minutes with true departures; 0: not computed.
	RollingLPKWh float64
}

// Family is the scenario an instance belongs to: W1 to W5.
func (i Instance) Family() string {
	family, _, _ := strings.Cut(i.Name, "-")
	return family
}

// Workload makes an instance's workload; the ACN sessions are needed for W1 only. The
// bounds hold for seed 1.
func (i Instance) Workload(acn []ACNSession, seed int) (*Workload, error) {
	if i.Kind == acnMonth {
		return EUTree(i.Name, i.RootAmps, acn)
	}
	return Generate(i.Name, Recipe{Kind: i.Kind, Connectors: i.Connectors, Days: i.Days, Seed: seed, RootAmps: i.RootAmps, Base: i.Base})
}

// Instances are the named public instances in order.
func Instances() []Instance {
	return []Instance{
		{Name: "W1-16", Kind: acnMonth, RootAmps: 16, BoundKWh: 5391.86},
		{Name: "W1-20", Kind: acnMonth, RootAmps: 20, BoundKWh: 6064.05},
		{Name: "W1-25", Kind: acnMonth, RootAmps: 25, BoundKWh: 6836.75, RollingLPKWh: 6763.87},
		{Name: "W1-32", Kind: acnMonth, RootAmps: 32, BoundKWh: 7741.83, RollingLPKWh: 7657.71},
		{Name: "W1-40", Kind: acnMonth, RootAmps: 40, BoundKWh: 8448.31},
		{Name: "W1-63", Kind: acnMonth, RootAmps: 63, BoundKWh: 8882.59},
		{Name: "W2-24-30", Kind: Workplace, Connectors: 24, Days: 7, RootAmps: 23, Base: true, BoundKWh: 977.7, RollingLPKWh: 909.79},
		{Name: "W2-24-40", Kind: Workplace, Connectors: 24, Days: 7, RootAmps: 31, Base: true, BoundKWh: 1212.44, RollingLPKWh: 1119.47},
		{Name: "W2-24-50", Kind: Workplace, Connectors: 24, Days: 7, RootAmps: 39, Base: true, BoundKWh: 1356.03, RollingLPKWh: 1288.48},
		{Name: "W3-24-30", Kind: Public, Connectors: 24, Days: 7, RootAmps: 13, Base: true, BoundKWh: 526.67, RollingLPKWh: 495.38},
		{Name: "W3-24-40", Kind: Public, Connectors: 24, Days: 7, RootAmps: 18, Base: true, BoundKWh: 625.89, RollingLPKWh: 599.83},
		{Name: "W3-24-50", Kind: Public, Connectors: 24, Days: 7, RootAmps: 22, Base: true, BoundKWh: 647.91, RollingLPKWh: 632.93},
		{Name: "W4-24-30", Kind: Apartment, Connectors: 24, Days: 7, RootAmps: 23, Base: true, BoundKWh: 1483.81, RollingLPKWh: 1400.89},
		{Name: "W4-24-40", Kind: Apartment, Connectors: 24, Days: 7, RootAmps: 30, Base: true, BoundKWh: 1653.52, RollingLPKWh: 1626.22},
		{Name: "W4-24-50", Kind: Apartment, Connectors: 24, Days: 7, RootAmps: 38, Base: true, BoundKWh: 1783.48, RollingLPKWh: 1761.69},
		{Name: "W5-24-40", Kind: Depot, Connectors: 24, Days: 7, RootAmps: 290, Base: true, BoundKWh: 14997.33, RollingLPKWh: 14826.31},
		{Name: "W5-24-50", Kind: Depot, Connectors: 24, Days: 7, RootAmps: 362, Base: true, BoundKWh: 18398.42, RollingLPKWh: 18207.36},
		{Name: "W5-24-70", Kind: Depot, Connectors: 24, Days: 7, RootAmps: 507, Base: true, BoundKWh: 23643.46, RollingLPKWh: 23432.43},
		{Name: "W2-96-30", Kind: Workplace, Connectors: 96, Days: 5, RootAmps: 70, Base: true, BoundKWh: 2778.43},
		{Name: "W2-96-50", Kind: Workplace, Connectors: 96, Days: 5, RootAmps: 117, Base: true, BoundKWh: 4169.42, RollingLPKWh: 4021.94},
		{Name: "W2-96-60", Kind: Workplace, Connectors: 96, Days: 5, RootAmps: 140, Base: true, BoundKWh: 4524.73},
		{Name: "W3-96-30", Kind: Public, Connectors: 96, Days: 5, RootAmps: 43, Base: true, BoundKWh: 2335.97},
		{Name: "W3-96-50", Kind: Public, Connectors: 96, Days: 5, RootAmps: 71, Base: true, BoundKWh: 2958.8, RollingLPKWh: 2885.46},
		{Name: "W3-96-60", Kind: Public, Connectors: 96, Days: 5, RootAmps: 86, Base: true, BoundKWh: 3145.23},
		{Name: "W4-96-30", Kind: Apartment, Connectors: 96, Days: 5, RootAmps: 34, Base: true, BoundKWh: 2033.03},
		{Name: "W4-96-50", Kind: Apartment, Connectors: 96, Days: 5, RootAmps: 57, Base: true, BoundKWh: 3044.51, RollingLPKWh: 2964.69},
		{Name: "W4-96-60", Kind: Apartment, Connectors: 96, Days: 5, RootAmps: 69, Base: true, BoundKWh: 3305.9},
		{Name: "W5-96-45", Kind: Depot, Connectors: 96, Days: 5, RootAmps: 1329, Base: true, BoundKWh: 50534.07},
		{Name: "W5-96-50", Kind: Depot, Connectors: 96, Days: 5, RootAmps: 1477, Base: true, BoundKWh: 55519.92, RollingLPKWh: 54957.18},
		{Name: "W5-96-70", Kind: Depot, Connectors: 96, Days: 5, RootAmps: 2068, Base: true, BoundKWh: 74716.7},
		{Name: "W2-300-40", Kind: Workplace, Connectors: 300, Days: 3, RootAmps: 209, Base: true, BoundKWh: 5416.56},
		{Name: "W2-300-50", Kind: Workplace, Connectors: 300, Days: 3, RootAmps: 261, Base: true, BoundKWh: 6465.69},
		{Name: "W2-300-70", Kind: Workplace, Connectors: 300, Days: 3, RootAmps: 366, Base: true, BoundKWh: 8346.98},
		{Name: "W3-300-30", Kind: Public, Connectors: 300, Days: 3, RootAmps: 106, Base: true, BoundKWh: 3974.27},
		{Name: "W3-300-50", Kind: Public, Connectors: 300, Days: 3, RootAmps: 177, Base: true, BoundKWh: 5128.93},
		{Name: "W3-300-60", Kind: Public, Connectors: 300, Days: 3, RootAmps: 213, Base: true, BoundKWh: 5590.08},
		{Name: "W4-300-40", Kind: Apartment, Connectors: 300, Days: 3, RootAmps: 144, Base: true, BoundKWh: 5398.23},
		{Name: "W4-300-50", Kind: Apartment, Connectors: 300, Days: 3, RootAmps: 180, Base: true, BoundKWh: 6566.06},
		{Name: "W4-300-60", Kind: Apartment, Connectors: 300, Days: 3, RootAmps: 216, Base: true, BoundKWh: 7413.84},
		{Name: "W5-300-50", Kind: Depot, Connectors: 300, Days: 3, RootAmps: 4376, Base: true, BoundKWh: 100153.26},
		{Name: "W5-300-60", Kind: Depot, Connectors: 300, Days: 3, RootAmps: 5251, Base: true, BoundKWh: 117968.69},
		{Name: "W5-300-70", Kind: Depot, Connectors: 300, Days: 3, RootAmps: 6126, Base: true, BoundKWh: 135277.85},
		{Name: "W2-96-30-nobase", Kind: Workplace, Connectors: 96, Days: 5, RootAmps: 70, BoundKWh: 3538.31},
		{Name: "W3-96-30-nobase", Kind: Public, Connectors: 96, Days: 5, RootAmps: 43, BoundKWh: 2729.71},
		{Name: "W4-96-30-nobase", Kind: Apartment, Connectors: 96, Days: 5, RootAmps: 34, BoundKWh: 2392.37},
		{Name: "W5-96-50-nobase", Kind: Depot, Connectors: 96, Days: 5, RootAmps: 1477, BoundKWh: 65042.32},
	}
}
