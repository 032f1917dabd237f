package sitesim

import (
	"fmt"
	"strings"
	"time"

	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocppsim"
)

// Scenario is a site and what happens to it. The zero value of each field means its
// default in parentheses.
type Scenario struct {
	Chargers int  // with one connector each (12)
	OCPP     OCPP // what the chargers speak (OCPP16)
	// Quirks gives each charger, by turns, one of those that a box can live with.
	Quirks bool
	Seed   int64 // of cars, noise and steps
	// Sessions says how cars come and go.
	Sessions Sessions
	// Faults happen at their time after the start.
	Faults []Fault
	// NoCloud leaves the site without upstream; Station is its identity otherwise
	// (SITE1).
	NoCloud bool
	Station string
	// BaseSteps switches building loads on and off.
	BaseSteps bool
	// MeterEvery is the cars' metering interval (10 s), CheckEvery the checker's (100 ms).
	CheckEvery time.Duration
	// Site, if set, changes the generated configuration; Cars, if set, says who comes to
	// the i-th charger, instead of Sessions.
	Site func(yaml string) string
	Cars func(i int) []ocppsim.Session
}

// OCPP is which versions the chargers of a Scenario speak.
type OCPP string

// The choices.
const (
	OCPP16    OCPP = "1.6"
	OCPP201   OCPP = "2.0.1"
	OCPPMixed OCPP = "mixed" // 1.6, 2.0.1 and 2.1 by turns, with all start points of 2.x
)

// bearable are quirks under which nothing may be lost and no fuse overloaded; the i-th
// of them, by turns.
func bearable(i int) ocppsim.Quirk {
	all := [...]ocppsim.Quirk{
		ocppsim.QuirkNullMembers, ocppsim.QuirkNumericStrings, ocppsim.QuirkMissingEVSE, ocppsim.QuirkWrongClock, ocppsim.QuirkBootsAlways,
		ocppsim.QuirkNeverBootsAgain, ocppsim.QuirkRefusesTxProfile, ocppsim.QuirkRefusesStationDefault, ocppsim.QuirkWattsOnly,
		ocppsim.QuirkRelativeOnly, ocppsim.QuirkLevelZeroOnly, ocppsim.QuirkEndsAtZero, ocppsim.QuirkNoPong, ocppsim.QuirkProtocolOrder,
	}
	return all[i%len(all)]
}

// speaks sets what the i-th charger speaks.
func (o OCPP) speaks(i int, c *ocppsim.ChargerConfig) {
	switch o {
	case OCPP201:
		c.Protocol = ocpp.V201
	case OCPPMixed:
		c.Protocol = []ocpp.Protocol{ocpp.V16, ocpp.V201, ocpp.V21}[i%3]
		c.StartPoint = []ocppsim.StartPoint{ocppsim.StartEnergy, ocppsim.StartAuthorize, ocppsim.StartPlug}[i/3%3]
	}
}

// Sessions says how cars come and go at each connector.
type Sessions struct {
	PlugWithin  time.Duration // the first ones arrive within it
	Short, Long time.Duration // a session lasts between these
	Pause       time.Duration // between two cars at one connector, about
	Most        int           // sessions per connector; 0: no end
}

// The sizes of the demonstration site.
const (
	mainLimit   = 63 * loadbalance.Amp
	boardLimit  = 40 * loadbalance.Amp
	worstBase   = 20 * loadbalance.Amp
	largestStep = 25 * loadbalance.Amp
	perBoard    = 6 // chargers on one board
	perMain     = 12
)

// place is one charger of the generated site.
type place struct {
	id       string
	board    string
	wiring   []loadbalance.Phase
	max      loadbalance.MilliAmp
	failsafe loadbalance.MilliAmp
	bay      string
}

// wirings of a dozen chargers: three with three phases, two with two, seven with one,
// rotated so that each phase has six or seven.
var wirings = [perMain][]loadbalance.Phase{
	{0, 1, 2}, {1}, {2, 0}, {0}, {1, 2, 0}, {2}, {0}, {1, 2}, {2, 0, 1}, {1}, {0}, {2},
}

// places lays the chargers out: boards of six, fuses in proportion.
func (sc *Scenario) places() []place {
	out := make([]place, sc.Chargers)
	for i := range out {
		w := wirings[i%perMain]
		m := 32 * loadbalance.Amp
		if len(w) == 3 && i%2 == 0 {
			m = 16 * loadbalance.Amp
		}
		out[i] = place{
			id: ChargerName(i), board: fmt.Sprintf("board-%c", 'a'+rune(i/perBoard%26)), wiring: w, max: m,
			failsafe: 6 * loadbalance.Amp, bay: fmt.Sprintf("%c-%02d", 'A'+rune(i/perBoard%26), i%perBoard+1),
		}
		if i/perBoard >= 26 {
			out[i].board += fmt.Sprint(i / perBoard / 26)
		}
	}
	return out
}

// ChargerName is the identity of the i-th charger, from 0.
func ChargerName(i int) string { return fmt.Sprintf("CP%02d", i+1) }

// scale is how many times the twelve-charger site this one is.
func (sc *Scenario) scale() int { return max(1, (sc.Chargers+perMain-1)/perMain) }

// SiteYAML is the configuration of the site, as an installer would write it.
func (sc *Scenario) SiteYAML(a Addresses) []byte {
	k := loadbalance.MilliAmp(sc.scale())
	amps := func(m loadbalance.MilliAmp) string {
		s := fmt.Sprintf("%g", float64(m)/1000)
		return "[" + s + ", " + s + ", " + s + "]"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nsite: {id: demo, name: Demo depot, timezone: Europe/Berlin, nominal_v: 230}\n")
	fmt.Fprintf(&b, "grid: [{circuit: main, meter: grid, type: star-230-400, worst_base_a: %s, largest_step_a: %g}]\n", amps(worstBase*k), float64(largestStep)/1000)
	fmt.Fprintf(&b, "circuits:\n  - {id: main, limit_a: %s, breaker: gG}\n", amps(mainLimit*k))
	places, seen := sc.places(), map[string]bool{}
	for _, p := range places {
		if !seen[p.board] {
			seen[p.board] = true
			fmt.Fprintf(&b, "  - {id: %s, parent: main, limit_a: %s, breaker: MCB-C}\n", p.board, amps(boardLimit))
		}
	}
	fmt.Fprintf(&b, "meters: [{id: grid, url: %q, model: %s, period: 1s}]\n", a.Meter, a.MeterModel)
	if len(places) == 0 {
		b.WriteString("chargers: []\n")
	} else {
		b.WriteString("chargers:\n")
	}
	for _, p := range places {
		fmt.Fprintf(&b, "  - {id: %s, circuit: %s, protocol: any, security_profile: 0, failsafe_a: %g,\n     connectors: [{n: 1, max_a: %g, phases: %v, bay: %q, evse_id: \"DE*BSB*E%s\"}]}\n",
			p.id, p.board, float64(p.failsafe)/1000, float64(p.max)/1000, phaseList(p.wiring), p.bay, strings.ToUpper(p.id))
	}
	if a.Cloud == "" {
		b.WriteString("upstream: {stations: []}\n")
	} else {
		fmt.Fprintf(&b, "upstream: {stations: [{id: %s, url: %q, protocol: ocpp1.6, security_profile: %d%s, dialect: default}]}\n", sc.Station, a.Cloud, profileOf(a.CloudPassword), passwordOf(a.CloudPassword))
	}
	b.WriteString("authorization: {unknown: accept, offline_unknown: accept, groups: []}\n")
	onboarding := "closed"
	if len(places) == 0 {
		onboarding = "open"
	}
	fmt.Fprintf(&b, "onboarding: %s\nlisten: {ui: %q, ws: %q, wss: \"\", mtls: \"\", modbus: \"\"}\n", onboarding, a.UI, a.Chargers)
	return []byte(b.String())
}

func phaseList(ps []loadbalance.Phase) string {
	words := make([]string, len(ps))
	for i, p := range ps {
		words[i] = p.String()
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func profileOf(password string) int {
	if password != "" { // over ws://
		return 1
	}
	return 0
}

func passwordOf(password string) string {
	if password == "" {
		return ""
	}
	return fmt.Sprintf(", password: %q", password)
}

// Addresses are where the parts of a site meet.
type Addresses struct {
	UI, Chargers  string // the box listens
	Meter         string // URL
	MeterModel    string
	Cloud         string // URL; "" for none
	CloudPassword string
}
