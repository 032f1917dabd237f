package commission

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"busbar/ocpp/ocpp16"
)

// probe16 is the probe of OCPP 1.6.
type probe16 struct {
	*probe
	keys map[string]ocpp16.KeyValue // by their names in lower case
}

var _ language = (*probe16)(nil)

func (p *probe16) read() []step { return []step{p.readKeys, p.readConnectors, p.readLimits} }

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
	p.foundPhases(told, func(n int) int { return conductors(told[n]) }, keyRotation)
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
	p.told.units, _ = p.value(keyUnits)
	var known bool
	p.told.measurands, known = p.value(keyMeasurands)
	p.told.fixed = !known || p.keys[strings.ToLower(keyMeasurands)].Readonly
	return nil
}
