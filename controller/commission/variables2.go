package commission

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// probe2 is the probe of OCPP 2.0.1 and 2.1.
type probe2 struct {
	*probe
	version ocpp.Protocol
	answers map[variable]ocpp2.GetVariableResult
}

var _ language = (*probe2)(nil)

func (p *probe2) read() []step { return []step{p.readInventory, p.readVariables, p.readEVSEs} }

// inventoryRequest numbers the report that the probe asks for. Nothing waits for its
// parts: the box has its own, and the probe asks for what matters by name.
const inventoryRequest = 1 << 30

// readInventory tries whether the charger reports its device model (P2 B07).
func (p *probe2) readInventory(ctx context.Context) error {
	const check = "configuration"
	resp, err := ocpp2.GetBaseReport.Call(ctx, wire{p.caller}, ocpp2.GetBaseReportRequest{RequestID: inventoryRequest, ReportBase: ocpp2.ReportBaseFullInventory})
	words, lost := refused(because(resp.Status, resp.StatusInfo), err)
	if lost != nil {
		return lost
	}
	if err != nil || resp.Status != accepted {
		p.find(check, Different, "asked for its full inventory the charger "+words+".", "The variables that matter are asked for by name.")
	} else {
		p.find(check, OK, "it reports its full inventory.", "")
	}
	return nil
}

// readVariables takes what the charger tells of its smart charging and metering.
func (p *probe2) readVariables(ctx context.Context) error {
	p.answers = map[variable]ocpp2.GetVariableResult{}
	wanted := []variable{smart("Enabled"), smart("Available"), smart("ProfileStackLevel"), smart("PeriodsPerSchedule"), smart("RateUnit"), sampled()}
	if p.version == ocpp.V21 {
		wanted = append(wanted, smart("SupportsMaxOfflineDuration"))
	}
	if err := p.ask(ctx, wanted...); err != nil {
		return err
	}
	p.smartCharging()
	p.abilities.MaxStackLevel = p.number(smart("ProfileStackLevel"), "profiles.stack-level", -1)
	p.abilities.MaxPeriods = p.number(smart("PeriodsPerSchedule"), "profiles.periods", 0)
	p.told.units, _ = p.value(smart("RateUnit"))
	if offline, ok := p.value(smart("SupportsMaxOfflineDuration")); ok {
		p.abilities.MaxOffline = controller.TristateOf(strings.EqualFold(offline, "true"))
	}
	var known bool
	p.told.measurands, known = p.value(sampled())
	p.told.fixed = !known
	return nil
}

func (p *probe2) smartCharging() {
	const check = "smart-charging"
	there, told := p.value(smart("Available"))
	enabled, switchable := p.value(smart("Enabled"))
	switch {
	case told && strings.EqualFold(there, "false"):
		p.find(check, Missing, "the charger says that it has no smart charging.", "Update its firmware, or enable smart charging in its own settings.")
	case switchable && strings.EqualFold(enabled, "false"):
		p.find(check, Missing, "smart charging is switched off (SmartChargingCtrlr.Enabled).", "Set SmartChargingCtrlr.Enabled to true, in the charger's own settings if it does not take that from here.")
	case told || switchable:
		p.find(check, OK, "it offers smart charging.", "")
	default:
		p.find(check, Different, "the charger does not tell whether it has smart charging.", "The tests below decide.")
	}
}

// readEVSEs compares their numbers and wiring with the configuration.
func (p *probe2) readEVSEs(ctx context.Context) error {
	ours := p.site.Connectors()
	next := 1
	for _, c := range ours {
		next = max(next, c.Number+1)
		if err := p.ask(ctx, available(c.Number), supply(c.Number)); err != nil {
			return err
		}
	}
	if err := p.ask(ctx, available(next)); err != nil {
		return err
	}
	var absent []string
	for _, c := range ours {
		if _, ok := p.value(available(c.Number)); !ok {
			absent = append(absent, strconv.Itoa(c.Number))
		}
	}
	_, more := p.value(available(next))
	switch {
	case len(absent) == len(ours):
		p.find("connectors", Different, "the charger does not tell of its EVSEs.", "The configuration decides.")
	case len(absent) > 0:
		p.find("connectors", Missing, "the charger has no EVSE "+list(absent)+", which the configuration has.", "Correct the connectors of this charger in the configuration.")
	case more:
		p.find("connectors", Missing, fmt.Sprintf("the charger has an EVSE %d, which the configuration has not.", next), "Correct the connectors of this charger in the configuration.")
	default:
		p.find("connectors", OK, fmt.Sprintf("%d.", len(ours)), "")
	}
	p.foundPhases(nil, p.supplied, "EVSE.SupplyPhases")
	return nil
}

// supplied is over how many conductors an EVSE says that it is supplied; 0 if it does
// not, or has a direct current.
func (p *probe2) supplied(evse int) int {
	value, _ := p.value(supply(evse))
	if n, err := strconv.Atoi(value); err == nil && n >= 1 && n <= 3 {
		return n
	}
	return 0
}
