package downstream

import (
	"fmt"
	"strings"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// variable names a variable of the device model (P2 appendix 3). It is comparable:
// values are kept by it, in the case of address.
type variable struct {
	component, name, instance string
	evse                      int // 0: of the charger
}

func (v variable) String() string {
	out := v.component + "." + v.name
	if v.instance != "" {
		out += "[" + v.instance + "]"
	}
	if v.evse > 0 {
		out += fmt.Sprintf("@%d", v.evse)
	}
	return out
}

// address is v in the case that all spellings of it share.
func (v variable) address() variable {
	v.component, v.name, v.instance = strings.ToLower(v.component), strings.ToLower(v.name), strings.ToLower(v.instance)
	return v
}

// addressOf is the address of what a charger names.
func addressOf(c ocpp2.Component, v ocpp2.Variable) variable {
	out := variable{component: c.Name, name: v.Name, instance: text(v.Instance)}
	if c.EVSE != nil {
		out.evse = c.EVSE.ID
	}
	return out.address()
}

func (v variable) parts() (ocpp2.Component, ocpp2.Variable) {
	c, n := ocpp2.Component{Name: v.component}, ocpp2.Variable{Name: v.name}
	if v.instance != "" {
		n.Instance = &v.instance
	}
	if v.evse > 0 {
		c.EVSE = &ocpp2.EVSE{ID: v.evse}
	}
	return c, n
}

// itemsFor is how many variables one message of an action may name.
func itemsFor(action string) variable {
	return variable{component: "DeviceDataCtrlr", name: "ItemsPerMessage", instance: action}
}

// supplyPhases is over how many conductors an EVSE is supplied, 0 for a direct current.
func supplyPhases(evse int) variable {
	return variable{component: "EVSE", name: "SupplyPhases", evse: evse}
}

// abilityVariables tell what a charger says it can, as abilityKeys do in 1.6.
func abilityVariables(p ocpp.Protocol) []variable {
	out := []variable{
		{component: "SmartChargingCtrlr", name: "ProfileStackLevel"},
		{component: "SmartChargingCtrlr", name: "RateUnit"},
		{component: "SmartChargingCtrlr", name: "PeriodsPerSchedule"},
	}
	if p >= ocpp.V21 {
		out = append(out, variable{component: "SmartChargingCtrlr", name: "SupportsMaxOfflineDuration"})
	}
	return out
}

// takeVariable puts into a what a variable tells of a charger's abilities.
func takeVariable(a *controller.Abilities, v variable, value string) {
	switch v = v.address(); {
	case v.component == "smartchargingctrlr" && v.name == "profilestacklevel":
		takeAbility(a, "ChargeProfileMaxStackLevel", value)
	case v.component == "smartchargingctrlr" && v.name == "rateunit":
		takeAbility(a, "ChargingScheduleAllowedChargingRateUnit", value)
	case v.component == "smartchargingctrlr" && v.name == "periodsperschedule":
		takeAbility(a, "ChargingScheduleMaxPeriods", value)
	case v.component == "smartchargingctrlr" && v.name == "supportsmaxofflineduration":
		a.MaxOffline = controller.TristateOf(strings.EqualFold(strings.TrimSpace(value), "true"))
	case v == supplyPhases(v.evse).address() && v.evse > 0:
		takeSupply(a, v.evse, value)
	}
}

// takeSupply reads SupplyPhases. A direct current has no phases a limit could be
// counted by; what the configuration says holds for it.
func takeSupply(a *controller.Abilities, evse int, value string) {
	switch value {
	case "1":
		a.Connectors = takeRotation(a.Connectors, fmt.Sprintf("%d.NotApplicable", evse))
	case "3":
		a.Connectors = takeRotation(a.Connectors, fmt.Sprintf("%d.RST", evse))
	}
}
