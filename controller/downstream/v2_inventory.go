package downstream

import (
	"context"
	"encoding/json"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// inventory is a report of a charger's device model that comes in parts.
type inventory struct {
	request int // 0: none was asked for
	data    []ocpp2.ReportData
}

// maxInventory bounds the entries of one report: a charger of ten EVSEs has a few
// hundred.
const maxInventory = 5000

// askInventory asks for everything the charger tells of itself; it comes by itself
// later, and nothing waits for it.
func (d *v2) askInventory(ctx context.Context) {
	request := d.nextNumber()
	d.mu.Lock()
	d.inventory = inventory{request: request}
	d.mu.Unlock()
	resp, err := ocpp2.GetBaseReport.Call(ctx, d.conn, ocpp2.GetBaseReportRequest{RequestID: request, ReportBase: ocpp2.ReportBaseFullInventory},
		d.within(d.hub.cfg.CallTimeout))
	if err != nil || !says(resp.Status, ocpp2.GenericDeviceModelStatusAccepted) {
		d.hub.log.Info("charger makes no inventory", "station", d.id, "status", resp.Status, "reason", reasonText(resp.StatusInfo), "err", err)
	}
}

// report takes a part of a report.
func (d *v2) report(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.NotifyReportRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	whole := d.collect(req)
	if len(whole) > 0 {
		d.takeInventory(whole)
	}
	return empty(), nil
}

// collect adds a part, and gives the whole report with its last one.
func (d *v2) collect(req ocpp2.NotifyReportRequest) []ocpp2.ReportData {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.inventory.request == 0 || req.RequestID != d.inventory.request:
		return nil // of a report that somebody else asked for, or of an earlier one
	case len(d.inventory.data)+len(req.ReportData) > maxInventory:
		d.inventory = inventory{}
		return nil
	}
	d.inventory.data = append(d.inventory.data, req.ReportData...)
	if deref(req.Tbc) {
		return nil
	}
	whole := d.inventory.data
	d.inventory = inventory{}
	return whole
}

// takeInventory learns from a whole report.
func (d *v2) takeInventory(data []ocpp2.ReportData) {
	d.hub.log.Info("charger's inventory", "station", d.id, "variables", len(data))
	told := map[place]int{}
	defer func() {
		for at, plug := range told {
			d.hub.memory.plugged(at, plug)
		}
	}()
	d.hub.memory.learn(d.id, func(a *controller.Abilities) {
		for _, entry := range data {
			if e := entry.Component.EVSE; e != nil && e.ConnectorID != nil {
				told[place{d.id, e.ID}] = max(told[place{d.id, e.ID}], *e.ConnectorID)
			}
			v := addressOf(entry.Component, entry.Variable)
			if v.component == "smartchargingctrlr" && v.name == "entries" && v.instance == "chargingprofiles" && entry.VariableCharacteristics != nil {
				takeAbility(a, "MaxChargingProfilesInstalled", wholeNumber(entry.VariableCharacteristics.MaxLimit))
			}
			for _, attribute := range entry.VariableAttribute {
				if attribute.Type == nil || says(*attribute.Type, ocpp2.AttributeActual) {
					takeVariable(a, v, text(attribute.Value))
				}
			}
		}
	})
}

// wholeNumber is a limit's digits; "" if there is none.
func wholeNumber(n *ocpp.Decimal) string {
	if n == nil {
		return ""
	}
	whole, err := n.Milli()
	if err != nil {
		return ""
	}
	return string(ocpp.DecimalFromMilli(whole / 1000 * 1000))
}
