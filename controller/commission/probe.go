package commission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

// Caller sends a call to the charger and waits for its answer. A CALLERROR is an
// *ocpp.Error; any other error means that the charger can't be asked.
type Caller interface {
	Call(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error)
}

// Site is the box's own part.
type Site interface {
	// Connectors are the charger's as the box sees them at this moment.
	Connectors() []Connector
	// Prove makes the dead-man test on a connector; it may take two minutes.
	Prove(ctx context.Context, connector int) (controller.ProofAnswer, error)
	// Hold limits a connector for a while; below 0 it lifts that.
	Hold(ctx context.Context, connector int, limit loadbalance.MilliAmp, lasts time.Duration) error
	// Wait returns when a measured value, a transaction or a status may have changed; its
	// error is that of ctx.
	Wait(ctx context.Context) error
}

// Connector is one of the charger as the box sees it.
type Connector struct {
	Number int // the charger's own
	Phases int // it is wired with, of the configuration
	Tx     controller.TxID
	// Measured is the strongest phase's current, and MeasuredAt when.
	Measured   loadbalance.MilliAmp
	MeasuredAt time.Time
	// Setpoint is what the charger has acknowledged.
	Setpoint loadbalance.MilliAmp
}

// Charger is what is known before the probe.
type Charger struct {
	Station  controller.StationID
	Protocol string
	Info     controller.ChargerInfo
	// Failsafe is the fall-back current of the configuration.
	Failsafe loadbalance.MilliAmp
	// NominalV is the voltage to neutral, for limits in watts.
	NominalV int
	// Abilities are those known so far.
	Abilities controller.Abilities
}

// ErrVersion is returned for a version of OCPP that can't be probed yet.
var ErrVersion = errors.New("cannot probe this version of OCPP")

// Run probes a charger. It fails with ErrVersion, and when the charger can't be asked
// any more; the verdict then has what was found until there.
func Run(ctx context.Context, c Charger, caller Caller, site Site) (Verdict, error) {
	p := &probe{charger: c, caller: caller, site: site, verdict: Verdict{
		Charger: string(c.Station), Protocol: c.Protocol, Vendor: c.Info.Vendor, Model: c.Info.Model, Firmware: c.Info.Firmware,
		At: time.Now().UTC(), Findings: []Finding{},
	}}
	p.abilities = c.Abilities
	switch version := ocpp.Protocol(c.Protocol); version {
	case ocpp.V16:
		p.words = &probe16{probe: p}
	case ocpp.V201, ocpp.V21:
		p.words = &probe2{probe: p, version: version}
	default:
		return p.verdict, fmt.Errorf("%w: %s", ErrVersion, c.Protocol)
	}
	err := p.walk(ctx, append(p.words.read(), p.measurands, p.fallback, p.units, p.stacked, p.composite, p.deadMan, p.pause))
	p.conclude()
	return p.verdict, err
}

// step is one part of a probe. Its error ends the probe.
type step func(context.Context) error

// probe is what all versions share.
type probe struct {
	charger   Charger
	caller    Caller
	site      Site
	verdict   Verdict
	abilities controller.Abilities

	words language
	told  told
	// How the fall-back was taken.
	kind controller.ProfileKind
	unit controller.RateUnit
	zero bool // on connector or EVSE 0
}

// told is what the charger told of itself, for what its tests find.
type told struct {
	units, measurands string
	fixed             bool // the measurands can't be changed
}

// language is what a version says and hears. Each answer's status is in its own words,
// accepted where it took what was asked; the errors are the Caller's.
type language interface {
	// read are the steps that ask the charger what it is.
	read() []step
	setProfile(ctx context.Context, connector int, pr profile) (status string, err error)
	clearProfile(ctx context.Context, id int) (status string, err error)
	// composite is the first limit that GetCompositeSchedule shows.
	composite(ctx context.Context, connector int, unit controller.RateUnit) (s shown, status string, err error)
	// measurandsName is what sampled measurands are called, for people.
	measurandsName() string
	// setMeasurands tells whether a list was taken; its error means that the charger is lost.
	setMeasurands(ctx context.Context, list string) (taken bool, lost error)
}

// accepted is the status of an answer that takes what was asked, in all versions.
const accepted = "Accepted"

// shown is a limit of a composite schedule; limit "": none.
type shown struct {
	limit ocpp.Decimal
	unit  controller.RateUnit
}

// shownFor is for how many seconds a composite schedule is asked.
const shownFor = 120

func (p *probe) walk(ctx context.Context, steps []step) error {
	for _, do := range steps {
		if err := do(ctx); err != nil {
			return fmt.Errorf("cannot go on with the probe: %w", err)
		}
	}
	return nil
}

func (p *probe) conclude() {
	p.verdict.Good = true
	for _, f := range p.verdict.Findings {
		if f.Outcome == Missing {
			p.verdict.Good = false
		}
	}
	a := p.abilities
	a.Vendor, a.Model, a.Firmware = p.charger.Info.Vendor, p.charger.Info.Model, p.charger.Info.Firmware
	a.Source, a.At = controller.AbilitiesLearnt, p.verdict.At
	p.verdict.Abilities = a
}

// foundPhases compares how connectors are wired with the configuration; name is where
// the charger tells it.
func (p *probe) foundPhases(rotation map[int]string, phases func(connector int) int, name string) {
	var entries []controller.ConnectorAbilities
	var unknown, wrong []string
	for _, c := range p.site.Connectors() {
		a := controller.ConnectorAbilities{Connector: c.Number, Rotation: rotation[c.Number], Phases: phases(c.Number)}
		entries = append(entries, a)
		switch {
		case a.Phases == 0:
			unknown = append(unknown, strconv.Itoa(c.Number))
		case c.Phases != 0 && a.Phases != c.Phases:
			how := ""
			if a.Rotation != "" {
				how = " (" + a.Rotation + ")"
			}
			wrong = append(wrong, fmt.Sprintf("connector %d has %d%s, the configuration %d", c.Number, a.Phases, how, c.Phases))
		}
	}
	if len(unknown) < len(entries) {
		p.abilities.Connectors = entries
	}
	switch {
	case len(wrong) > 0:
		p.find("phases", Missing, list(wrong)+".", "Correct phases in the configuration, or "+name+" of the charger.")
	case len(unknown) > 0:
		p.find("phases", Different, "the charger does not tell how it is wired (connector "+list(unknown)+").", "The phases of the configuration count: check them with a clamp when a car charges.")
	default:
		p.find("phases", OK, "as in the configuration.", "")
	}
}

func (p *probe) find(check string, outcome Outcome, text, remedy string) {
	p.verdict.Findings = append(p.verdict.Findings, Finding{Check: check, Outcome: outcome, Text: text, Remedy: remedy})
}

// wire makes the Caller one that typed actions can use.
type wire struct{ caller Caller }

// Call implements ocpp.Caller.
func (w wire) Call(ctx context.Context, c ocpp.Call) (json.RawMessage, error) {
	return w.caller.Call(ctx, c.Action, c.Payload)
}

var _ ocpp.Caller = wire{}

// refused tells an answer that says no from the loss of the charger: the words of the
// refusal, or the error that ends the probe.
func refused(status string, err error) (words string, lost error) {
	if e, ok := errors.AsType[*ocpp.Error](err); ok {
		return "answered " + e.Error(), nil
	}
	if errors.Is(err, ocpp.ErrTimeout) {
		return "did not answer in time", nil
	}
	switch {
	case errors.Is(err, ocpp.ErrUnusable):
		return "answered what can't be read", nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("answered %q", status), nil
}

const checkDeadMan = "dead-man"

// deadMan proves that the charger falls back by itself where a car charges, and else
// says whose proof counts.
func (p *probe) deadMan(ctx context.Context) error {
	known := p.abilities.DeadMan
	for _, c := range p.site.Connectors() {
		if c.Tx == 0 {
			continue
		}
		a, err := p.site.Prove(ctx, c.Number)
		switch {
		case err != nil:
			return err
		case a.Result == controller.Yes:
			p.abilities.DeadMan = controller.DeadManProof{Mode: mode(known), Result: controller.Yes, Fallback: a.Fallback, Took: a.Took, At: time.Now().UTC()}
			p.find(checkDeadMan, OK, fmt.Sprintf("without the box the current at connector %d fell to %v, %v after its setpoint ended.", c.Number, a.Fallback, a.Took.Round(time.Second)), "")
			return nil
		case a.Result == controller.No:
			p.abilities.DeadMan = controller.DeadManProof{Mode: mode(known), Result: controller.No, At: time.Now().UTC()}
			p.find(checkDeadMan, Missing, fmt.Sprintf("connector %d does not fall back: %s.", c.Number, a.Why),
				"The charger must not be led above its fall-back without another safety: update its firmware, or lower max_a to what the fuses carry.")
			return nil
		}
		p.find(checkDeadMan, Open, fmt.Sprintf("the test at connector %d came to no end: %s.", c.Number, a.Why), "")
	}
	switch {
	case known.Result == controller.Yes && p.charger.Abilities.Source == controller.AbilitiesInherited:
		p.find(checkDeadMan, OK, "proven by another charger of the same model and firmware.", "")
	case known.Result == controller.Yes:
		p.find(checkDeadMan, OK, "proven before, "+known.At.Format(time.DateOnly)+".", "")
	case known.Result == controller.No:
		p.find(checkDeadMan, Missing, "an earlier test found that it does not fall back.", "Update its firmware and test again with a car.")
	default:
		p.find(checkDeadMan, Open, "no car charges, so the proof is open.", "It is finished by the first real session: run this command again then. Until it is, the charger counts with its worst case.")
	}
	return nil
}

// mode is how the charger was led in the test.
func mode(known controller.DeadManProof) controller.DeadManMode {
	if known.Mode == "" {
		return controller.DeadManTx
	}
	return known.Mode
}

// list is words for people: "a, b and c".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return "none"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
