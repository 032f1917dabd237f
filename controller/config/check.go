package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"busbar/loadbalance"
)

// slowest is the longest period of a meter that guards a fuse: with a slower one the
// fail-safe would be the normal state.
const slowest = 5 * time.Second

// check finds what no single value shows: references, loops, doubles, sums.
func (r *reader) check(c *Config, known Known) {
	r.checkGrid(c)
	r.checkCircuits(c)
	r.checkMeters(c, known)
	r.checkChargers(c)
	r.checkSlots(c)
	r.checkUpstream(c, known)
	r.checkVehicles(c)
	r.checkTariff(c)
	r.checkSun(c)
	r.checkListen(c)
	if r.ok("grid") && r.ok("circuits") && r.ok("chargers") {
		r.checkFailsafe(c)
	}
}

// unique reports ids that stand twice in a list.
func unique[T comparable](r *reader, list, key string, n int, id func(int) T) {
	var none T
	first := map[T]int{}
	for i := range n {
		v := id(i)
		if v == none {
			continue
		}
		if j, double := first[v]; double {
			r.problem(join(index(list, i), key), fmt.Sprintf("%v is already the %s of %s", v, key, index(list, j)), "Give each its own.")
			continue
		}
		first[v] = i
	}
}

// incomplete reports that ids of a list could not be read, so that one not found
// there may stand in the file all the same.
func (r *reader) incomplete(list string) bool {
	for bad := range r.bad {
		if bad == list || strings.HasPrefix(bad, list+"[") && (strings.HasSuffix(bad, "].id") || strings.HasSuffix(bad, "]")) {
			return true
		}
	}
	return false
}

// reference reports a name that is not in the list.
func (r *reader) reference(path, list, name string, names []string) {
	if name == "" || slices.Contains(names, name) || r.incomplete(list) {
		return
	}
	remedy := "Add it to " + list + ", or name one of: " + strings.Join(names, ", ") + "."
	if len(names) == 0 {
		remedy = "Add it to " + list + "."
	}
	if len(names) > 20 {
		remedy = "Add it to " + list + ", or name one that is there."
	}
	if like := nearest(name, names); like != "" {
		remedy = "Did you mean " + like + "?"
	}
	r.problem(path, fmt.Sprintf("%s is not in %s", quote(name), list), remedy)
}

func (c *Config) circuitIDs() []string {
	var ids []string
	for _, circuit := range c.Circuits {
		if circuit.ID != "" && !slices.Contains(ids, string(circuit.ID)) {
			ids = append(ids, string(circuit.ID))
		}
	}
	return ids
}

func (c *Config) circuit(id loadbalance.NodeID) (Circuit, bool) {
	i := slices.IndexFunc(c.Circuits, func(circuit Circuit) bool { return circuit.ID == id })
	if i < 0 {
		return Circuit{}, false
	}
	return c.Circuits[i], true
}

func (r *reader) checkGrid(c *Config) {
	unique(r, "grid", "circuit", len(c.Grid), func(i int) loadbalance.NodeID { return c.Grid[i].Circuit })
	for i, s := range c.Grid {
		path := index("grid", i)
		r.reference(path+".circuit", "circuits", string(s.Circuit), c.circuitIDs())
		if circuit, ok := c.circuit(s.Circuit); ok && circuit.Parent != "" {
			r.problem(path+".circuit", fmt.Sprintf("%s is fed by %s, not by the grid", s.Circuit, circuit.Parent), "Name the circuit without parent.")
		}
		r.checkSupply(c, i)
	}
}

func (r *reader) checkCircuits(c *Config) {
	unique(r, "circuits", "id", len(c.Circuits), func(i int) loadbalance.NodeID { return c.Circuits[i].ID })
	roots := 0
	for i, circuit := range c.Circuits {
		path := index("circuits", i)
		r.checkLimit(c, path, circuit)
		if circuit.Parent == "" && r.ok(path+".parent") {
			roots++
			r.checkRoot(c, path, circuit)
			continue
		}
		r.reference(path+".parent", "circuits", string(circuit.Parent), c.circuitIDs())
		if loop := c.loop(circuit.ID); loop != "" {
			r.problem(path+".parent", "circuits feed each other in a loop: "+loop, "Give one of them another parent, or none if the grid feeds it.")
		} else if parent, ok := c.circuit(circuit.Parent); ok {
			r.checkBase(c, path, circuit, parent)
		}
	}
	if roots == 0 && len(c.Circuits) > 0 && r.ok("circuits") {
		r.problem("circuits", "no circuit is fed by the grid", "Leave parent out at the main circuit.")
	}
}

// checkRoot wants exactly one supply, and the figures in one place only.
func (r *reader) checkRoot(c *Config, path string, root Circuit) {
	if root.Meter != "" {
		r.problem(path+".meter", "the meter of a root stands in grid", "Move it to the entry of grid that names "+string(root.ID)+".")
	}
	if root.WorstBase != (loadbalance.PerPhase{}) {
		r.problem(path+".worst_base_a", "the base load of a root stands in grid", "Move it to the entry of grid that names "+string(root.ID)+".")
	}
	if root.ID == "" || !r.ok("grid") {
		return
	}
	if !slices.ContainsFunc(c.Grid, func(s Supply) bool { return s.Circuit == root.ID }) {
		r.problem(path+".parent", fmt.Sprintf("%s has neither a parent nor a supply in grid", root.ID), "Add parent, or an entry to grid: its base load is unknown otherwise.")
	}
}

// checkBase wants a parent's worst base load to hold that of each circuit below it.
func (r *reader) checkBase(c *Config, path string, circuit, parent Circuit) {
	base := parent.WorstBase
	for _, s := range c.Grid {
		if s.Circuit == parent.ID {
			base = s.WorstBase
		}
	}
	for p := loadbalance.L1; p <= loadbalance.L3; p++ {
		if circuit.WorstBase[p] > base[p] {
			r.problem(path+".worst_base_a", fmt.Sprintf("is %v on %v, more than the %v of %s, which it is part of", circuit.WorstBase[p], p, base[p], parent.ID),
				"Raise worst_base_a of "+string(parent.ID)+", or lower this one.")
			return
		}
	}
}

// loop is the way from a circuit up to itself, "" if there is none.
func (c *Config) loop(from loadbalance.NodeID) string {
	way := []string{string(from)}
	at := from
	for range c.Circuits {
		circuit, ok := c.circuit(at)
		if !ok || circuit.Parent == "" {
			return ""
		}
		at = circuit.Parent
		way = append(way, string(at))
		if at == from {
			return strings.Join(way, " -> ")
		}
	}
	return ""
}

func (r *reader) checkMeters(c *Config, known Known) {
	unique(r, "meters", "id", len(c.Meters), func(i int) string { return c.Meters[i].ID })
	var ids []string
	for i, m := range c.Meters {
		path := index("meters", i)
		if m.ID != "" {
			ids = append(ids, m.ID)
		}
		switch {
		case m.URL.Scheme == "tcp" && m.Model == "" && r.ok(path+".model"):
			r.problem(path+".model", "is missing: a Modbus meter is read by the registers of its model", "Add model: eastron_sdm630, or what is printed on the meter.")
		case m.URL.Scheme != "tcp" && m.URL.Scheme != "" && m.Model != "":
			r.problem(path+".model", "an MQTT meter has no model, its URL says where the values stand", "Remove model.")
		case m.Model != "" && known.MeterModels != nil && !slices.Contains(known.MeterModels, m.Model):
			remedy := fmt.Sprintf("%d models are known, such as %s.", len(known.MeterModels), strings.Join(known.MeterModels[:min(5, len(known.MeterModels))], ", "))
			if like := nearest(m.Model, known.MeterModels); like != "" {
				remedy = "Did you mean " + like + "?"
			}
			r.problem(path+".model", "unknown meter model "+quote(m.Model), remedy)
		}
		if m.URL.Scheme == "tcp" && (m.User != "" || !m.Password.IsZero()) {
			r.problem(path+".user", "Modbus knows no user and no password", "Remove user and password.")
		}
	}
	r.checkMeterUse(c, known, ids)
}

// checkMeterUse looks at who is measured by what: a meter measures one circuit, and
// one that guards a fuse is quick.
func (r *reader) checkMeterUse(c *Config, known Known, ids []string) {
	usedBy := map[string]string{}
	use := func(path, meter string) {
		if meter == "" {
			return
		}
		r.reference(path, "meters", meter, ids)
		if other, double := usedBy[meter]; double {
			r.problem(path, fmt.Sprintf("meter %s already measures another circuit (%s)", meter, other), "A meter sits in one circuit: name it once.")
			return
		}
		usedBy[meter] = path
		r.checkGuard(c, known, meter, path)
	}
	for i, s := range c.Grid {
		use(index("grid", i)+".meter", s.Meter)
	}
	for i, circuit := range c.Circuits {
		if circuit.Parent == "" {
			continue // reported by checkRoot
		}
		use(index("circuits", i)+".meter", circuit.Meter)
	}
}

// checkGuard wants the meter named at path to be fit to guard a fuse.
func (r *reader) checkGuard(c *Config, known Known, meter, path string) {
	for i, m := range c.Meters {
		if m.ID != meter {
			continue
		}
		if m.Period > slowest {
			r.problem(index("meters", i)+".period", fmt.Sprintf("%s is too slow for the only meter that guards a fuse (%s), at most %s", durationText(m.Period), path, durationText(slowest)),
				"Write 1s if the meter can, or use a quicker one.")
		}
		if known.FuseMeters != nil && slices.Contains(known.MeterModels, m.Model) && !slices.Contains(known.FuseMeters, m.Model) {
			r.problem(index("meters", i)+".model", fmt.Sprintf("%s does not measure the current of each phase, so it can't guard a fuse (%s)", m.Model, path), "Use a meter that does.")
		}
	}
}

func (r *reader) checkChargers(c *Config) {
	unique(r, "chargers", "id", len(c.Chargers), func(i int) string { return c.Chargers[i].ID })
	for i, charger := range c.Chargers {
		path := index("chargers", i)
		if charger.ID == "upstream" {
			r.problem(path+".id", "upstream is the name of the cloud's side in logs", "Give the charger another identity.")
		}
		r.reference(path+".circuit", "circuits", string(charger.Circuit), c.circuitIDs())
		r.checkPassword(path, charger.SecurityProfile, charger.Password)
		r.checkConnectors(path, charger)
		for k, conn := range charger.Connectors {
			r.checkWires(c, index(path+".connectors", k), charger, conn)
		}
	}
}

func (r *reader) checkConnectors(path string, charger Charger) {
	list := path + ".connectors"
	unique(r, list, "n", len(charger.Connectors), func(i int) int { return charger.Connectors[i].Number })
	for i, conn := range charger.Connectors {
		at := index(list, i)
		if conn.Min != 0 && conn.Max != 0 && conn.Min > conn.Max {
			r.problem(at+".min_a", fmt.Sprintf("%v is more than max_a, %v", conn.Min, conn.Max), "Lower min_a or raise max_a.")
		}
		if conn.Max != 0 && charger.Failsafe > conn.Max {
			r.problem(path+".failsafe_a", fmt.Sprintf("%v is more than max_a of connector %d, %v", charger.Failsafe, conn.Number, conn.Max), "Lower failsafe_a.")
		}
	}
}

// checkSlots looks across chargers: slots and EVSE ids are unique in the whole site.
func (r *reader) checkSlots(c *Config) {
	slots, evses := map[int]string{}, map[string]string{}
	for i, charger := range c.Chargers {
		for j, conn := range charger.Connectors {
			at := index(index("chargers", i)+".connectors", j)
			if other := slots[conn.Slot]; other != "" {
				r.problem(at+".slot", fmt.Sprintf("slot %d is already taken by %s", conn.Slot, other), "Give each connector its own slot, or leave slot out: the box numbers them.")
			} else if conn.Slot != 0 {
				slots[conn.Slot] = at
			}
			if other := evses[conn.EVSEID]; other != "" {
				r.problem(at+".evse_id", fmt.Sprintf("%s is already the EVSE id of %s", conn.EVSEID, other), "Give each connector its own.")
			} else if conn.EVSEID != "" {
				evses[conn.EVSEID] = at
			}
		}
	}
}

// checkPassword: profiles 1 and 2 need one, the others have no use for it.
func (r *reader) checkPassword(path string, profile int, password Secret) {
	if !r.ok(path+".security_profile") || !r.ok(path+".password") {
		return
	}
	switch needed := profile == 1 || profile == 2; {
	case needed && password.IsZero():
		r.problem(path+".password", fmt.Sprintf("is missing: security profile %d uses a password", profile), "Add password: \"env:NAME\", \"file:PATH\" or the text itself.")
	case !needed && !password.IsZero():
		r.problem(path+".password", fmt.Sprintf("security profile %d uses no password", profile), "Remove password, or set security_profile to 2 (TLS) or 1 (plain).")
	}
}

func (r *reader) checkUpstream(c *Config, known Known) {
	for i, s := range c.Upstream.Stations {
		path := index("upstream.stations", i)
		if i > 0 {
			r.problem(path, "a second station is not supported by this version", "Keep one.")
			continue
		}
		r.checkPassword(path, s.SecurityProfile, s.Password)
		tls := strings.HasPrefix(s.URL, "wss:")
		if s.URL != "" && r.ok(path+".security_profile") && tls != (s.SecurityProfile >= 2) {
			scheme := map[bool]string{true: "wss://", false: "ws://"}[s.SecurityProfile >= 2]
			r.problem(path+".url", fmt.Sprintf("security profile %d needs %s", s.SecurityProfile, scheme), "Change the URL or security_profile.")
		}
		r.checkUplinkFiles(path, s)
		if s.Dialect != "" && known.Dialects != nil {
			r.reference(path+".dialect", "the known dialects", s.Dialect, known.Dialects)
		}
	}
}

// checkUplinkFiles wants the files that the profile uses, and no others.
func (r *reader) checkUplinkFiles(path string, s Station) {
	if !r.ok(path + ".security_profile") {
		return
	}
	if s.Roots != "" && s.SecurityProfile < 2 {
		r.problem(path+".roots", fmt.Sprintf("security profile %d uses no TLS", s.SecurityProfile), "Remove roots, or set security_profile to 2 or 3.")
	}
	for _, f := range []struct{ key, file string }{{"certificate", s.Certificate}, {"key", s.Key}} {
		switch {
		case s.SecurityProfile == 3 && f.file == "":
			r.problem(path+"."+f.key, "is missing: security profile 3 shows a certificate of the site", "Add "+f.key+": a file in PEM that the cloud's operator gave you.")
		case s.SecurityProfile != 3 && f.file != "":
			r.problem(path+"."+f.key, fmt.Sprintf("security profile %d shows no certificate", s.SecurityProfile), "Remove "+f.key+", or set security_profile to 3.")
		}
	}
}

// checkListen wants no address twice.
func (r *reader) checkListen(c *Config) {
	if !r.ok("listen") {
		return
	}
	l := c.Listen
	addresses := []struct{ key, at string }{{"ui", l.UI}, {"ws", c.PlainAddress()}, {"wss", l.WSS}, {"mtls", l.MTLS}, {"modbus", l.Modbus}}
	for i, a := range addresses {
		for _, b := range addresses[:i] {
			if a.at != "" && clash(a.at, b.at) {
				r.problem("listen."+a.key, fmt.Sprintf("%s is already the address of listen.%s", quote(a.at), b.key), "Give each its own port.")
			}
		}
	}
	r.checkDoors(c)
}

// clash reports whether two addresses can't both be listened on.
func clash(a, b string) bool {
	hostA, portA, _ := splitHostPort(a)
	hostB, portB, _ := splitHostPort(b)
	return portA == portB && portA != "0" && (hostA == hostB || hostA == "" || hostB == "")
}
