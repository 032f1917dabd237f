package commission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

// probe16 is the probe of OCPP 1.6.
type probe16 struct {
	*probe
	keys map[string]ocpp16.KeyValue // by their names in lower case
	kind ocpp16.ChargingProfileKindType
	unit ocpp16.ChargingRateUnitType
	zero bool // the default profile is taken on connector 0
}

func (p *probe16) steps() []step {
	return []step{p.readKeys, p.readConnectors, p.readLimits, p.measurands, p.fallback, p.units, p.stacked, p.composite}
}

// readKeys asks for the whole configuration (16§5.8).
func (p *probe16) readKeys(ctx context.Context) error {
	const check = "configuration"
	p.keys = map[string]ocpp16.KeyValue{}
	resp, err := ocpp16.GetConfiguration.Call(ctx, wire{p.caller}, ocpp16.GetConfigurationRequest{})
	if words, lost := refused("", err); lost != nil {
		return lost
	} else if err != nil || len(resp.ConfigurationKey) == 0 {
		if err == nil {
			words = "told nothing"
		}
		p.find(check, Different, "asked for all keys the charger "+words+".", "The keys that matter are asked for by name.")
		if resp, err = ocpp16.GetConfiguration.Call(ctx, wire{p.caller}, ocpp16.GetConfigurationRequest{Key: named()}); err != nil {
			if _, lost := refused("", err); lost != nil {
				return lost
			}
		}
	} else {
		p.find(check, OK, fmt.Sprintf("%d keys.", len(resp.ConfigurationKey)), "")
	}
	for _, kv := range resp.ConfigurationKey {
		p.keys[strings.ToLower(kv.Key)] = kv
	}
	p.featureProfiles()
	return nil
}

// The keys that the probe looks at.
const (
	keyFeatures   = "SupportedFeatureProfiles"
	keyConnectors = "NumberOfConnectors"
	keyRotation   = "ConnectorPhaseRotation"
	keyStack      = "ChargeProfileMaxStackLevel"
	keyUnits      = "ChargingScheduleAllowedChargingRateUnit"
	keyPeriods    = "ChargingScheduleMaxPeriods"
	keyInstalled  = "MaxChargingProfilesInstalled"
	keyMeasurands = "MeterValuesSampledData"
)

func named() []string {
	return []string{keyFeatures, keyConnectors, keyRotation, keyStack, keyUnits, keyPeriods, keyInstalled, keyMeasurands}
}

// value of a key; ok is false if the charger does not tell it.
func (p *probe16) value(key string) (value string, ok bool) {
	kv := p.keys[strings.ToLower(key)]
	if kv.Value == nil {
		return "", false
	}
	return strings.TrimSpace(*kv.Value), true
}

func (p *probe16) featureProfiles() {
	const check = "smart-charging"
	switch value, ok := p.value(keyFeatures); {
	case !ok:
		p.find(check, Different, "the charger does not tell its feature profiles.", "The tests below decide.")
	case strings.Contains(strings.ToLower(strings.ReplaceAll(value, " ", "")), "smartcharging"):
		p.find(check, OK, "it offers smart charging.", "")
	default:
		p.find(check, Missing, fmt.Sprintf("its feature profiles are %q, without SmartCharging.", value), "Enable smart charging in the charger's own settings, or update its firmware.")
	}
}

// readConnectors compares their numbers and wiring with the configuration.
func (p *probe16) readConnectors(context.Context) error {
	ours := p.site.Connectors()
	switch value, ok := p.value(keyConnectors); {
	case !ok:
		p.find("connectors", Different, "the charger does not tell how many connectors it has.", "The configuration decides.")
	case value != strconv.Itoa(len(ours)):
		p.find("connectors", Missing, fmt.Sprintf("the charger has %s, the configuration %d.", value, len(ours)), "Correct the connectors of this charger in the configuration.")
	default:
		p.find("connectors", OK, value+".", "")
	}
	told := map[int]string{}
	if value, ok := p.value(keyRotation); ok {
		told = rotations(value)
	}
	var entries []controller.ConnectorAbilities
	var unknown, wrong []string
	for _, c := range ours {
		a := controller.ConnectorAbilities{Connector: c.Number, Rotation: told[c.Number], Phases: conductors(told[c.Number])}
		entries = append(entries, a)
		switch {
		case a.Phases == 0:
			unknown = append(unknown, strconv.Itoa(c.Number))
		case c.Phases != 0 && a.Phases != c.Phases:
			wrong = append(wrong, fmt.Sprintf("connector %d has %d (%s), the configuration %d", c.Number, a.Phases, a.Rotation, c.Phases))
		}
	}
	if len(told) > 0 {
		p.abilities.Connectors = entries
	}
	switch {
	case len(wrong) > 0:
		p.find("phases", Missing, list(wrong)+".", "Correct phases in the configuration, or the key "+keyRotation+" of the charger.")
	case len(unknown) > 0:
		p.find("phases", Different, "the charger does not tell how it is wired (connector "+list(unknown)+").", "The phases of the configuration count: check them with a clamp when a car charges.")
	default:
		p.find("phases", OK, "as in the configuration.", "")
	}
	return nil
}

// rotations reads ConnectorPhaseRotation (16§9.1.9): "0.RST, 1.RST, 2.RTS".
func rotations(value string) map[int]string {
	out := map[int]string{}
	for _, entry := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		number, rotation, ok := strings.Cut(entry, ".")
		n, err := strconv.Atoi(number)
		if ok && err == nil && n > 0 && conductors(rotation) > 0 {
			out[n] = rotation
		}
	}
	return out
}

// conductors counts the phases of a rotation; 0 for NotApplicable and Unknown.
func conductors(rotation string) int {
	switch rotation {
	case "RST", "RTS", "SRT", "STR", "TRS", "TSR":
		return 3
	case "R", "S", "T":
		return 1
	}
	return 0
}

// readLimits takes what the charger tells of its smart charging (16§9.4).
func (p *probe16) readLimits(context.Context) error {
	number := func(key, check string) int {
		value, ok := p.value(key)
		n, err := strconv.Atoi(value)
		if !ok || err != nil || n < 0 {
			p.find(check, Different, "the charger does not tell "+key+".", "The usual is assumed.")
			return -1
		}
		p.find(check, OK, fmt.Sprintf("%s is %d.", key, n), "")
		return n
	}
	p.abilities.MaxStackLevel = number(keyStack, "profiles.stack-level")
	p.abilities.MaxPeriods = max(0, number(keyPeriods, "profiles.periods"))
	p.abilities.MaxProfiles = max(0, number(keyInstalled, "profiles.installed"))
	return nil
}

// measurand is something to be metered and what it is needed for.
type measurand struct {
	name   string
	needed string // what is lost without it, "" if little
}

func wanted() []measurand {
	return []measurand{
		{"Current.Import", "Without it the box books what it allows, not what the car takes."},
		{"Energy.Active.Import.Register", "Without it the course of a session is not known to the cloud."},
		{"Power.Active.Import", ""},
		{"Voltage", ""},
		{"SoC", ""},
	}
}

// measurands tries each alone, and then puts back what was there.
func (p *probe16) measurands(ctx context.Context) error {
	const check = "measurands"
	before, ok := p.value(keyMeasurands)
	if kv := p.keys[strings.ToLower(keyMeasurands)]; !ok || kv.Readonly {
		p.find(check, Different, fmt.Sprintf("%s can't be changed; it is %q.", keyMeasurands, before), "What it has must be enough: it should contain Current.Import and Energy.Active.Import.Register.")
		return nil
	}
	lost := p.tryMeasurands(ctx, check)
	// The session goes on with what it had, whatever became of the probe.
	later, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
	defer cancel()
	back, gone := p.change(later, keyMeasurands, before)
	if !back && gone == nil {
		p.find(check, Missing, fmt.Sprintf("the charger does not take back %q, which it had.", before), "Restart the box's connection to it: the box then sets its own list.")
	}
	return errors.Join(lost, gone)
}

// restoreWithin bounds the time for putting back what was there.
const restoreWithin = 10 * time.Second

func (p *probe16) tryMeasurands(ctx context.Context, check string) error {
	var taken []string
	for _, m := range wanted() {
		yes, lost := p.change(ctx, keyMeasurands, m.name)
		if lost != nil {
			return lost
		}
		switch {
		case yes:
			taken = append(taken, m.name)
		case m.needed != "":
			p.find(check+"."+m.name, Missing, "the charger does not meter it.", m.needed+" Update its firmware or choose its meter in its own settings.")
		default:
			p.find(check+"."+m.name, Different, "the charger does not meter it.", "")
		}
	}
	return p.together(ctx, check, taken)
}

// together tries all that were taken in one list.
func (p *probe16) together(ctx context.Context, check string, taken []string) error {
	if len(taken) == 0 {
		p.find(check, Missing, "none is taken one by one.", "Set "+keyMeasurands+" in the charger's own settings.")
		return nil
	}
	all, lost := p.change(ctx, keyMeasurands, strings.Join(taken, ","))
	if lost != nil {
		return lost
	}
	if !all {
		p.find(check, Different, "taken alone but not together: "+list(taken)+".", "The box asks for the most needed one.")
		p.abilities.Measurands = taken[:1]
		return nil
	}
	p.find(check, OK, list(taken)+".", "")
	p.abilities.Measurands = slices.Clone(taken)
	return nil
}

// change writes a key; false if it was not taken.
func (p *probe16) change(ctx context.Context, key, value string) (bool, error) {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, wire{p.caller}, ocpp16.ChangeConfigurationRequest{Key: key, Value: value})
	if _, lost := refused(string(resp.Status), err); lost != nil {
		return false, lost
	}
	return err == nil && (resp.Status == ocpp16.ConfigurationStatusAccepted || resp.Status == ocpp16.ConfigurationStatusRebootRequired), nil
}
