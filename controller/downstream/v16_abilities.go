package downstream

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

// abilityKeys tell what a charger says it can (16§9). None is believed against what it
// then takes or refuses.
func abilityKeys() []string {
	return []string{"ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods",
		"MaxChargingProfilesInstalled", "ConnectorPhaseRotation"}
}

// readAbilities asks for them. It is a CALL of its own: some chargers answer no more
// than a few keys at once.
func (d *v16) readAbilities(ctx context.Context) {
	resp, err := ocpp16.GetConfiguration.Call(ctx, d.conn, ocpp16.GetConfigurationRequest{Key: abilityKeys()}, d.within(d.hub.cfg.CallTimeout))
	if err != nil {
		d.hub.log.Info("charger does not tell its abilities", "station", d.id, "err", err)
		return
	}
	d.hub.memory.learn(d.id, func(a *controller.Abilities) {
		for _, kv := range resp.ConfigurationKey {
			if kv.Value != nil {
				takeAbility(a, kv.Key, strings.TrimSpace(*kv.Value))
			}
		}
	})
}

func takeAbility(a *controller.Abilities, key, value string) {
	n, err := strconv.Atoi(value)
	number := err == nil && n >= 0
	switch {
	case strings.EqualFold(key, "ChargeProfileMaxStackLevel") && number:
		a.MaxStackLevel = n
	case strings.EqualFold(key, "ChargingScheduleMaxPeriods") && number:
		a.MaxPeriods = n
	case strings.EqualFold(key, "MaxChargingProfilesInstalled") && number:
		a.MaxProfiles = n
	case strings.EqualFold(key, "ChargingScheduleAllowedChargingRateUnit"):
		takeUnits(a, value)
	case strings.EqualFold(key, "ConnectorPhaseRotation"):
		a.Connectors = takeRotation(a.Connectors, value)
	}
}

// takeUnits reads "Current,Power" and the "A" and "W" that some say instead. What was
// taken already counts for more.
func takeUnits(a *controller.Abilities, value string) {
	if len(a.Units) > 0 {
		return
	}
	amps, watts := false, false
	for word := range strings.FieldsFuncSeq(strings.ToLower(value), func(r rune) bool { return strings.ContainsRune(", ;[]\"", r) }) {
		amps = amps || word == "current" || word == "a" || word == "amps" || word == "ampere"
		watts = watts || word == "power" || word == "w" || word == "watt" || word == "watts"
	}
	if watts && !amps {
		a.Units = []controller.RateUnit{controller.UnitWatts}
	}
	// Amperes are tried first in any case: they say what a fuse means.
}

// takeRotation reads "0.RST,1.RST,2.NotApplicable"; connector 0 is no connector.
func takeRotation(known []controller.ConnectorAbilities, value string) []controller.ConnectorAbilities {
	out := slices.Clone(known)
	for part := range strings.SplitSeq(value, ",") {
		number, rotation, ok := strings.Cut(strings.TrimSpace(part), ".")
		connector, err := strconv.Atoi(number)
		if !ok || err != nil || connector < 1 {
			continue
		}
		entry := controller.ConnectorAbilities{Connector: connector}
		switch {
		case strings.EqualFold(rotation, "NotApplicable"):
			entry.Phases = 1 // one phase, or a direct current
		case len(rotation) == 3 && strings.Trim(strings.ToUpper(rotation), "RST") == "":
			entry.Phases, entry.Rotation = 3, strings.ToUpper(rotation)
		default:
			continue
		}
		if i := slices.IndexFunc(out, func(c controller.ConnectorAbilities) bool { return c.Connector == connector }); i >= 0 {
			out[i] = entry
		} else {
			out = append(out, entry)
		}
	}
	return out
}
