package appliance

import (
	"cmp"
	"time"

	"busbar/controller"
	"busbar/controller/config"
	"busbar/loadbalance"
)

// Layout is the site of a configuration in the domain's words.
func Layout(cfg *config.Config) controller.Layout {
	l := controller.Layout{
		ID: cfg.Site.ID, Name: cfg.Site.Name, NominalV: cfg.Volts(),
		Nodes: cfg.Nodes(), Onboarding: string(cfg.Onboarding),
		UnknownAccepted:        cfg.Authorization.Unknown == config.Accept,
		OfflineUnknownAccepted: cfg.Authorization.OfflineUnknown == config.Accept,
		MeterInterval:          meterInterval,
	}
	if zone, err := time.LoadLocation(cfg.Site.Timezone); err == nil { // a checked configuration names one
		l.Zone = zone
	}
	for _, p := range cfg.Grid {
		if len(p.States) > 0 {
			l.Supplies = append(l.Supplies, controller.SupplyLayout{Node: p.Circuit, State: p.State})
		}
	}
	l.Vehicles, l.Groups, l.Tariff = vehicles(cfg), groups(cfg), tariff(cfg)
	if cfg.Sharing == config.SharingLaxity {
		l.Policy = loadbalance.PolicyLaxity
	}
	for _, m := range cfg.Meters {
		if node, ok := cfg.MeterCircuit(m.ID); ok {
			l.Meters = append(l.Meters, controller.MeterLayout{ID: m.ID, Node: node, Period: m.Period})
		} else if m.Role == config.RoleSun {
			l.Sun = append(l.Sun, controller.MeterLayout{ID: m.ID, Period: m.Period})
		}
	}
	for _, c := range cfg.Chargers {
		charger := controller.ChargerLayout{Station: controller.StationID(c.ID), Node: c.Circuit, Failsafe: c.Failsafe}
		for _, n := range c.Connectors {
			charger.Connectors = append(charger.Connectors, controller.ConnectorLayout{Number: n.Number, Slot: controller.Slot(n.Slot),
				Min: n.Min, Max: n.Max, Wiring: n.Wiring, Bay: n.Bay, EVSEID: n.EVSEID, Expected: expected(cfg, n.Schedule, 0)})
		}
		l.Chargers = append(l.Chargers, charger)
	}
	if len(cfg.Upstream.Stations) > 0 {
		st := cfg.Upstream.Stations[0]
		l.Uplink = controller.UplinkLayout{Station: st.ID, URL: st.URL, Protocol: string(st.Protocol)}
	}
	return l
}

// meterInterval is how often chargers are asked to meter: what the balancer needs to
// see which car leaves current unused (baseline of every charger).
const meterInterval = 10 * time.Second

// conductors is how many each connector of known wiring is wired with as its charger sees
// it, and their voltage: a load between two lines has one.
func conductors(cfg *config.Config, c config.Charger) (phases, volts map[int]int) {
	phases, volts = map[int]int{}, map[int]int{}
	grid := cfg.GridOf(c.Circuit)
	for _, n := range c.Connectors {
		if len(n.Wiring) == 0 {
			continue
		}
		phases[n.Number], volts[n.Number] = len(n.Wiring), cfg.Volts()
		if set := n.Phases(); grid.Between(set) && set.Count() == 2 {
			phases[n.Number], volts[n.Number] = 1, int(grid.Watts(set, loadbalance.Amp)) // rounded up: 208 and 230 are whole
		}
	}
	return phases, volts
}

// expected is what a schedule says of a stay; needs, if known, come before its own.
func expected(cfg *config.Config, schedule string, needs config.WattHour) controller.Expected {
	s, _ := cfg.Schedule(schedule)
	out := controller.Expected{Energy: controller.WattHour(cmp.Or(needs, s.Needs))}
	for _, l := range s.Leaves {
		out.Leaves = append(out.Leaves, controller.Leaving{Days: config.On(l.Days), At: time.Duration(l.At)})
	}
	return out
}

func vehicles(cfg *config.Config) []controller.VehicleLayout {
	var out []controller.VehicleLayout
	for _, v := range cfg.Vehicles {
		e := expected(cfg, v.Schedule, v.Needs)
		e.TargetSoC = v.TargetSoC
		out = append(out, controller.VehicleLayout{ID: v.ID, Name: v.Name, Tokens: v.Tokens, Battery: controller.WattHour(v.Battery), Max: v.Max, Phases: v.Phases, Expected: e})
	}
	return out
}

func groups(cfg *config.Config) []controller.GroupLayout {
	var out []controller.GroupLayout
	for _, g := range cfg.Authorization.Groups {
		out = append(out, controller.GroupLayout{ID: g.ID, Tokens: g.Tokens, Parent: g.Parent, Expected: expected(cfg, g.Schedule, g.Needs)})
	}
	return out
}

func tariff(cfg *config.Config) controller.Tariff {
	t := cfg.Tariff
	out := controller.Tariff{Price: t.Price, Peak: controller.PeakTariff{Limit: controller.Watt(t.Peak.Limit), Price: t.Peak.Price, Set: controller.Watt(t.Peak.Set)}}
	for _, p := range t.Times {
		out.Times = append(out.Times, controller.TariffTime{Days: config.On(p.Days), From: time.Duration(p.From), To: time.Duration(p.To), Price: p.Price})
	}
	return out
}
