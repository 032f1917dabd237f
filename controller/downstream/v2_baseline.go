package downstream

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocpp2"
)

// setting2 is one variable of the baseline (ocpp-gateway 8.1).
type setting2 struct {
	variable
	value string
}

// measurandsVariable is what a charger samples during a transaction.
func measurandsVariable() variable {
	return variable{component: "SampledDataCtrlr", name: "TxUpdatedMeasurands"}
}

// baseline is what the box needs. A transaction needs its register at both ends; what
// lies between comes in Updated, and need not be repeated at the end, which would make
// that message very large.
func (d *v2) baseline() []setting2 {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	of := func(component, name, instance, value string) setting2 {
		return setting2{variable{component: component, name: name, instance: instance}, value}
	}
	ended := d.charger.StopData
	if !strings.Contains(ended, measurandEnergy) {
		ended = strings.TrimPrefix(ended+","+measurandEnergy, ",")
	}
	return []setting2{
		{measurandsVariable(), strings.Join(measurands(), ",")},
		of("SampledDataCtrlr", "TxUpdatedInterval", "", seconds(d.hub.cfg.MeterInterval)),
		of("SampledDataCtrlr", "TxStartedMeasurands", "", measurandEnergy),
		of("SampledDataCtrlr", "TxEndedMeasurands", "", ended),
		of("SampledDataCtrlr", "TxEndedInterval", "", "0"),
		of("AuthCtrlr", "LocalPreAuthorize", "", "false"),
		of("AuthCtrlr", "LocalAuthorizeOffline", "", "true"),
		of("AuthCtrlr", "AuthorizeRemoteStart", "", "false"),
		of("AuthCacheCtrlr", "Enabled", "", "true"),
		of("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent", "10"),
		of("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent", "30"),
		of("OCPPCommCtrlr", "WebSocketPingInterval", "", "30"),
		of("OCPPCommCtrlr", "HeartbeatInterval", "", seconds(d.hub.cfg.HeartbeatInterval)),
	}
}

// Sizes of pages of variables where a charger does not tell how many it takes.
const (
	usualPage = 4
	maxPage   = 50
)

// push2 is a baseline on its way. Only the session's worker uses it.
type push2 struct {
	d       *v2
	present map[variable]string // by address
	unknown map[variable]bool   // by address
}

// pushBaseline asks for the present values first: only what differs is written, because
// chargers keep variables in flash memory and connect often. Each page is a step, so
// that a setpoint need not wait for all of them. The inventory, which takes long, is
// asked for once per boot and not waited for.
func (d *v2) pushBaseline(ctx context.Context) {
	p := &push2{d: d, present: map[variable]string{}, unknown: map[variable]bool{}}
	p.read(ctx, []variable{itemsFor("GetVariables"), itemsFor("SetVariables")})
	p.d.takesItems("GetVariables", p.told("GetVariables"))
	p.d.takesItems("SetVariables", p.told("SetVariables"))
	wanted := append(abilityVariables(p.d.conn.Protocol()), itemsFor("SetVariableMonitoring"), itemsFor("ClearVariableMonitoring"))
	if d.lastFloor != nil {
		for _, connector := range d.lastFloor.Connectors {
			wanted = append(wanted, supplyPhases(connector))
		}
	}
	for _, b := range d.baseline() {
		wanted = append(wanted, b.variable)
	}
	var steps []step
	for page := range slices.Chunk(wanted, p.page("GetVariables")) {
		steps = append(steps, func(ctx context.Context) { p.read(ctx, page) })
	}
	d.plan(append(steps, p.write)...)
}

// page is how many variables a message of an action may have.
func (p *push2) page(action string) int {
	if n := p.told(action); n > 0 {
		return min(n, maxPage)
	}
	return usualPage
}

// told is what the charger said of that; 0: nothing.
func (p *push2) told(action string) int {
	n, err := strconv.Atoi(p.present[itemsFor(action).address()])
	if err != nil {
		return 0
	}
	return max(0, n)
}

// read asks for a page; one that is refused as a whole is asked for one by one.
func (p *push2) read(ctx context.Context, page []variable) {
	var req ocpp2.GetVariablesRequest
	for _, v := range page {
		component, name := v.parts()
		req.GetVariableData = append(req.GetVariableData, ocpp2.GetVariableData{Component: component, Variable: name})
	}
	resp, err := ocpp2.GetVariables.Call(ctx, p.d.conn, req, p.d.within(p.d.hub.cfg.CallTimeout))
	if err != nil {
		p.d.hub.log.Info("charger does not tell its variables", "station", p.d.id, "variables", len(page), "err", err)
		if isRefusal(err) && len(page) > 1 {
			var steps []step
			for _, v := range page {
				steps = append(steps, func(ctx context.Context) { p.read(ctx, []variable{v}) })
			}
			p.d.plan(steps...)
		}
		return
	}
	for _, r := range resp.GetVariableResult {
		address := addressOf(r.Component, r.Variable)
		switch {
		case says(r.AttributeStatus, ocpp2.GetVariableStatusAccepted):
			p.present[address] = text(r.AttributeValue)
		case says(r.AttributeStatus, ocpp2.GetVariableStatusUnknownComponent), says(r.AttributeStatus, ocpp2.GetVariableStatusUnknownVariable):
			p.unknown[address] = true
		}
	}
}

// write learns from what was read, and plans what is to be written.
func (p *push2) write(context.Context) {
	p.d.takesItems("SetVariableMonitoring", p.told("SetVariableMonitoring"))
	p.d.takesItems("ClearVariableMonitoring", p.told("ClearVariableMonitoring"))
	p.d.hub.memory.learn(p.d.id, func(a *controller.Abilities) {
		for v, value := range p.present {
			takeVariable(a, v, value)
		}
	})
	var steps []step
	var due []setting2
	for _, b := range p.d.baseline() {
		address := b.address()
		switch value, known := p.present[address]; {
		case known && sameList(value, b.value):
			if b.variable == measurandsVariable() {
				p.d.metered(measurands())
			}
		case p.unknown[address]:
			p.d.refuse(b.String())
		case b.variable == measurandsVariable():
			steps = append(steps, func(ctx context.Context) { p.d.offerMeasurands(ctx, b.String(), p.setMeasurands) })
		default:
			due = append(due, b)
		}
	}
	for page := range slices.Chunk(due, p.page("SetVariables")) {
		steps = append(steps, func(ctx context.Context) { p.set(ctx, page) })
	}
	steps = append(steps, p.d.askOutside)
	if p.d.hasBooted() {
		steps = append(steps, p.d.askInventory)
	}
	p.d.plan(append(steps, p.d.finishBaseline)...)
}

func (p *push2) setMeasurands(ctx context.Context, list string) bool {
	taken, _ := p.offer(ctx, []setting2{{measurandsVariable(), list}})
	return len(taken) == 1
}

// set writes a page; one that is refused as a whole is written one by one.
func (p *push2) set(ctx context.Context, page []setting2) {
	taken, err := p.offer(ctx, page)
	if isRefusal(err) && len(page) > 1 {
		var steps []step
		for _, s := range page {
			steps = append(steps, func(ctx context.Context) { p.set(ctx, []setting2{s}) })
		}
		p.d.plan(steps...)
		return
	}
	for _, s := range page {
		if !slices.Contains(taken, s.address()) {
			p.d.refuse(s.String())
		}
	}
}

// offer writes some variables, and gives the addresses of those that were taken.
func (p *push2) offer(ctx context.Context, settings []setting2) (taken []variable, err error) {
	var req ocpp2.SetVariablesRequest
	for _, s := range settings {
		component, name := s.parts()
		req.SetVariableData = append(req.SetVariableData, ocpp2.SetVariableData{AttributeValue: s.value, Component: component, Variable: name})
	}
	resp, err := ocpp2.SetVariables.Call(ctx, p.d.conn, req, p.d.within(p.d.hub.cfg.CallTimeout))
	for _, r := range resp.SetVariableResult {
		if says(r.AttributeStatus, ocpp2.SetVariableStatusAccepted) || says(r.AttributeStatus, ocpp2.SetVariableStatusRebootRequired) {
			taken = append(taken, addressOf(r.Component, r.Variable))
		} else {
			p.d.hub.log.Info("charger does not take a variable", "station", p.d.id, "component", r.Component.Name, "variable", r.Variable.Name,
				"status", r.AttributeStatus, "reason", reasonText(r.AttributeStatusInfo))
		}
	}
	return taken, err
}

// sameList compares values as chargers do: their case, blanks and the order of a list
// don't matter.
func sameList(a, b string) bool {
	sorted := func(s string) []string {
		list := strings.Split(strings.ToLower(strings.ReplaceAll(s, " ", "")), ",")
		slices.Sort(list)
		return list
	}
	return slices.Equal(sorted(a), sorted(b))
}
