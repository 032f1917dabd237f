package ocppsim

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// variable is one entry of the device model, with its Actual value only.
type variable struct {
	component string
	evse      int // 0: of the station
	name      string
	instance  string
	value     string
	unit      string
	data      ocpp2.Data
	fixed     bool
	values    string // of lists
}

// measurands are what the charger can measure.
func (c *ChargerConfig) measurands() string {
	if c.has(QuirkEnergyOnly) {
		return energyRegister
	}
	return energyRegister + ",Power.Active.Import,Current.Import,Voltage"
}

// deviceModel is what the charger tells of itself (P2 appendix 3).
func deviceModel(cfg *ChargerConfig) []variable {
	fixed := func(component, name, value, unit string, data ocpp2.Data) variable {
		return variable{component: component, name: name, value: value, unit: unit, data: data, fixed: true}
	}
	integer := func(component, name string, value int, unit string) variable {
		return variable{component: component, name: name, value: strconv.Itoa(value), unit: unit, data: ocpp2.DataInteger}
	}
	truth := func(component, name, value string) variable {
		return variable{component: component, name: name, value: value, data: ocpp2.DataBoolean}
	}
	list := func(component, name, value, values string) variable {
		return variable{component: component, name: name, value: value, data: ocpp2.DataMemberList, values: values}
	}
	of := func(instance string, v variable) variable { v.instance = instance; return v }
	measured := cfg.measurands()
	out := []variable{
		truth("AuthCtrlr", "AuthorizeRemoteStart", "false"),
		truth("AuthCtrlr", "LocalAuthorizeOffline", "true"),
		truth("AuthCtrlr", "LocalPreAuthorize", "false"),
		fixed("ChargingStation", "Model", model, "", ocpp2.DataString),
		fixed("ChargingStation", "VendorName", vendor, "", ocpp2.DataString),
		fixed("ClockCtrlr", "TimeSource", "Heartbeat", "", ocpp2.DataSequenceList),
		of("BasicReport", fixed("DeviceDataCtrlr", "ItemsPerMessage", strconv.Itoa(itemsPerMessage), "", ocpp2.DataInteger)),
		of("GetVariables", fixed("DeviceDataCtrlr", "ItemsPerMessage", strconv.Itoa(itemsPerMessage), "", ocpp2.DataInteger)),
		of("SetVariables", fixed("DeviceDataCtrlr", "ItemsPerMessage", strconv.Itoa(itemsPerMessage), "", ocpp2.DataInteger)),
		integer("OCPPCommCtrlr", "HeartbeatInterval", 300, "s"),
		of("TransactionEvent", integer("OCPPCommCtrlr", "MessageAttempts", 5, "")),
		of("TransactionEvent", integer("OCPPCommCtrlr", "MessageAttemptInterval", int(cfg.Retry.Seconds()), "s")),
		integer("OCPPCommCtrlr", "OfflineThreshold", 60, "s"),
		integer("OCPPCommCtrlr", "WebSocketPingInterval", 0, "s"),
		list("SampledDataCtrlr", "TxEndedMeasurands", energyRegister, measured),
		integer("SampledDataCtrlr", "TxEndedInterval", 0, "s"),
		list("SampledDataCtrlr", "TxStartedMeasurands", energyRegister, measured),
		integer("SampledDataCtrlr", "TxUpdatedInterval", 60, "s"),
		list("SampledDataCtrlr", "TxUpdatedMeasurands", energyRegister, measured),
		integer("AlignedDataCtrlr", "Interval", 0, "s"),
		integer("AlignedDataCtrlr", "TxEndedInterval", 0, "s"),
		fixed("SecurityCtrlr", "SecurityProfile", "0", "", ocpp2.DataInteger),
		{component: "SecurityCtrlr", name: "OrganizationName", value: "Busbar", data: ocpp2.DataString},
		fixed("SmartChargingCtrlr", "Available", strconv.FormatBool(!cfg.has(QuirkNoSmartCharging)), "", ocpp2.DataBoolean),
		truth("SmartChargingCtrlr", "Enabled", "true"),
		of("ChargingProfiles", fixed("SmartChargingCtrlr", "Entries", strconv.Itoa(maxProfiles), "", ocpp2.DataInteger)),
		fixed("SmartChargingCtrlr", "PeriodsPerSchedule", strconv.Itoa(maxPeriods), "", ocpp2.DataInteger),
		fixed("SmartChargingCtrlr", "ProfileStackLevel", strconv.Itoa(maxStackLevel), "", ocpp2.DataInteger),
		fixed("SmartChargingCtrlr", "RateUnit", "A,W", "", ocpp2.DataMemberList),
		integer("TxCtrlr", "EVConnectionTimeOut", 60, "s"),
		truth("TxCtrlr", "StopTxOnInvalidId", "true"),
		fixed("TxCtrlr", "TxStartPoint", string(cfg.StartPoint), "", ocpp2.DataMemberList),
		fixed("TxCtrlr", "TxStopPoint", "Authorized,EVConnected", "", ocpp2.DataMemberList),
	}
	for _, o := range cfg.Outlets {
		out = append(out,
			variable{component: "EVSE", evse: o.Number, name: "AvailabilityState", value: "Available", data: ocpp2.DataOptionList, fixed: true},
			variable{component: "EVSE", evse: o.Number, name: "SupplyPhases", value: strconv.Itoa(o.Phases), data: ocpp2.DataInteger, fixed: true},
			variable{component: "EVSE", evse: o.Number, name: "Power", value: "0", unit: "W", data: ocpp2.DataDecimal, fixed: true},
			variable{component: "Connector", evse: o.Number, name: "ConnectorType", value: "cType2", data: ocpp2.DataString, fixed: true})
	}
	return out
}

// itemsPerMessage bounds what one request or page may have.
const itemsPerMessage = 20

// takes is how the charger judges a new value.
func (v *variable) takes(value string) ocpp2.SetVariableStatus {
	ok := !v.fixed
	switch v.data {
	case ocpp2.DataInteger:
		n, err := strconv.Atoi(value)
		ok = ok && err == nil && n >= 0
	case ocpp2.DataBoolean:
		ok = ok && (value == "true" || value == "false")
	case ocpp2.DataMemberList:
		for name := range strings.SplitSeq(value, ",") {
			ok = ok && slices.Contains(strings.Split(v.values, ","), strings.TrimSpace(name))
		}
	}
	if !ok {
		return ocpp2.SetVariableStatusRejected
	}
	return ocpp2.SetVariableStatusAccepted
}

// variable is one of the charger's own, which is there.
func (d *v2) variable(component, name string) *variable {
	i := slices.IndexFunc(d.vars, func(v variable) bool { return v.component == component && v.name == name })
	return &d.vars[i]
}

func (d *v2) number(component, name string) int {
	n, err := strconv.Atoi(d.variable(component, name).value)
	if err != nil {
		return 0
	}
	return n
}

func (d *v2) seconds(component, name string) time.Duration {
	return time.Duration(d.number(component, name)) * time.Second
}

// find looks a variable up, without regard to case; known tells whether there is such
// a component.
func (d *v2) find(c ocpp2.Component, name ocpp2.Variable) (found *variable, known bool) {
	evse := 0
	if c.EVSE != nil {
		evse = c.EVSE.ID
	}
	instance := ""
	if name.Instance != nil {
		instance = *name.Instance
	}
	for i := range d.vars {
		v := &d.vars[i]
		if !strings.EqualFold(v.component, c.Name) || v.evse != evse {
			continue
		}
		known = true
		if strings.EqualFold(v.name, name.Name) && strings.EqualFold(v.instance, instance) {
			return v, true
		}
	}
	return nil, known
}

func (d *v2) getVariables(_ context.Context, _ *ocpp.Conn, req ocpp2.GetVariablesRequest, _ *ocpp.Request) (ocpp2.GetVariablesResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var resp ocpp2.GetVariablesResponse
	for _, asked := range req.GetVariableData {
		out := ocpp2.GetVariableResult{AttributeType: asked.AttributeType, Component: asked.Component, Variable: asked.Variable}
		v, known := d.find(asked.Component, asked.Variable)
		switch {
		case !known:
			out.AttributeStatus = ocpp2.GetVariableStatusUnknownComponent
		case v == nil:
			out.AttributeStatus = ocpp2.GetVariableStatusUnknownVariable
		case asked.AttributeType != nil && *asked.AttributeType != ocpp2.AttributeActual:
			out.AttributeStatus = ocpp2.GetVariableStatusNotSupportedAttributeType
		default:
			out.AttributeStatus, out.AttributeValue = ocpp2.GetVariableStatusAccepted, new(d.actual(v))
		}
		resp.GetVariableResult = append(resp.GetVariableResult, out)
	}
	return resp, nil
}

// actual is the present value; what the hardware does is looked up.
func (d *v2) actual(v *variable) string {
	o := d.c.outlet(v.evse)
	switch {
	case o == nil:
	case v.name == "AvailabilityState":
		return string(plugStatus(o.state))
	case v.name == "Power":
		if r := d.c.readings(o, []string{"Power.Active.Import"}); len(r) == 1 {
			return r[0].value
		}
	}
	return v.value
}

func (d *v2) setVariables(_ context.Context, _ *ocpp.Conn, req ocpp2.SetVariablesRequest, _ *ocpp.Request) (ocpp2.SetVariablesResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	var resp ocpp2.SetVariablesResponse
	for _, asked := range req.SetVariableData {
		out := ocpp2.SetVariableResult{AttributeType: asked.AttributeType, Component: asked.Component, Variable: asked.Variable}
		v, known := d.find(asked.Component, asked.Variable)
		switch {
		case !known:
			out.AttributeStatus = ocpp2.SetVariableStatusUnknownComponent
		case v == nil:
			out.AttributeStatus = ocpp2.SetVariableStatusUnknownVariable
		case asked.AttributeType != nil && *asked.AttributeType != ocpp2.AttributeActual:
			out.AttributeStatus = ocpp2.SetVariableStatusNotSupportedAttributeType
		default:
			if out.AttributeStatus = v.takes(asked.AttributeValue); out.AttributeStatus == ocpp2.SetVariableStatusAccepted && v.value != asked.AttributeValue {
				v.value = asked.AttributeValue
				d.c.retimed()
			}
		}
		resp.SetVariableResult = append(resp.SetVariableResult, out)
	}
	return resp, nil
}
