package bench

import "slices"

// billed is scenario T1 in one form.
type billed struct {
	name, about string
	office      bool    // beside an office and panels
	level       float64 // kW that the planner is told to stay below; 0: it finds its own
	// optimum is the least that the highest quarter hour can be if at least 97 % of the
	// energy is delivered, kW: perfect foresight over the month, continuous current, no
	// minimum, the same tree and other load; a linear programme in slots of 5 minutes.
	optimum float64
}

// tariffRoot is the main fuse of T1, A: wide enough that only the tariff holds cars back.
const tariffRoot = 125

// uncontrolledName is the policy of T1 that leaves cars alone.
const uncontrolledName = "uncontrolled"

// billedMonths are the forms of T1.
func billedMonths() []billed {
	return []billed{
		{name: "T1-office", about: "a month's bill beside an office and panels, no level given", office: true, optimum: 127.3976},
		{name: "T1-cars", about: "the cars alone, no level given", optimum: 24.5645},
		{name: "T1-cars-held", about: "the cars alone, told to stay below 1.045 of the optimum", optimum: 24.5645, level: 25.67},
	}
}

// scenario is a billed month as one of the Scenarios.
func (b billed) scenario() Scenario {
	return Scenario{Name: b.name, Family: "T1", About: b.about, RootAmps: tariffRoot, Policies: []string{uncontrolledName, string(Equal), string(LLF), "busbar"}, informed: true,
		run: func(in Inputs, p Policy) ([]Result, error) {
			m, err := b.month(in)
			if err != nil {
				return nil, err
			}
			r := m.run(p.Name, p.Departures(), m.decides(p.Name))
			m.bill(&r, b.optimum)
			return []Result{r}, nil
		}}
}

func (b billed) month(in Inputs) (*month, error) {
	w, err := EUTree(b.name, tariffRoot, in.ACN)
	if err != nil {
		return nil, err
	}
	m := &month{w: w, level: b.level}
	if m.tariff, err = publicTariff(); err != nil || !b.office {
		return m, err
	}
	m.other, err = publicOffice()
	return m, err
}

// decides is what a policy does in each slot.
func (m *month) decides(policy string) func(s *slotted, t int, active []int) {
	switch policy {
	case uncontrolledName:
		return uncontrolled
	case "busbar":
		o := knowing(m.w)
		o.month = m
		return o.slot
	}
	return func(s *slotted, t int, active []int) {
		s.policy = Plain(policy)
		s.decide(t, active)
	}
}

// billed is T1 in the report.
func (d *document) billed() {
	names := d.section(d.names("T1"), "T1: a month's bill", `
The ACN month on the European tree behind 125 A, SCE TOU-EV-4: $15.51 for each kW of the highest quarter hour, energy by the hour.
Optimum: the least peak with which perfect foresight delivers 97 % (linear programme, continuous current). busbar is the planner
every 5 minutes, departures known, arrivals not, other load as it was the day before; it takes a kWh not charged for $0.30 and
spreads the price of a higher peak over the days left. In T1-cars-held it is told the level instead, as a site would from its
last bills. 99.9 % need a higher peak than 97 %: with perfect foresight 32.0 kW for the cars alone. Energy cost: what cars add, no feed-in.`)
	if len(names) == 0 {
		return
	}
	d.row([]string{"scenario", "policy", "delivered %", "peak kW", "demand charge $", "over the optimum", "energy cost $"})
	d.row(slices.Repeat([]string{"---"}, 7))
	for _, name := range names {
		for _, policy := range []string{uncontrolledName, string(Equal), string(LLF), "busbar"} {
			if r, ok := d.find(name, policy, ""); ok {
				m := func(id string) float64 { return r.metric("T1." + id) }
				d.line("| %s | %s | %.1f | %.1f | %.0f | %.3f | %.0f |", name, policy, m("delivered"), m("peak_kw"), m("demand_charge"), m("demand_ratio"), m("energy_cost"))
			}
		}
	}
	d.line("")
}
