package ocppsim

import (
	"context"
	"slices"
	"strings"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// baseReport tells the device model in pages (P2 B07).
func (d *v2) baseReport(_ context.Context, _ *ocpp.Conn, req ocpp2.GetBaseReportRequest, r *ocpp.Request) (ocpp2.GetBaseReportResponse, error) {
	if req.ReportBase == ocpp2.ReportBaseSummaryInventory {
		return ocpp2.GetBaseReportResponse{Status: ocpp2.GenericDeviceModelStatusNotSupported}, nil
	}
	d.c.after(r, func() {
		var all []ocpp2.ReportData
		for i := range d.vars {
			if v := &d.vars[i]; !v.fixed || req.ReportBase == ocpp2.ReportBaseFullInventory {
				all = append(all, d.told(v))
			}
		}
		d.report(req.RequestID, all)
	})
	return ocpp2.GetBaseReportResponse{Status: ocpp2.GenericDeviceModelStatusAccepted}, nil
}

// customReport tells the variables that are named, and those of components that are
// named alone (P2 B08). It knows no criteria.
func (d *v2) customReport(_ context.Context, _ *ocpp.Conn, req ocpp2.GetReportRequest, r *ocpp.Request) (ocpp2.GetReportResponse, error) {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	if len(req.ComponentCriteria) > 0 {
		return ocpp2.GetReportResponse{Status: ocpp2.GenericDeviceModelStatusNotSupported}, nil
	}
	var all []ocpp2.ReportData
	for i := range d.vars {
		if v := &d.vars[i]; len(req.ComponentVariable) == 0 || slices.ContainsFunc(req.ComponentVariable, v.isOf) {
			all = append(all, d.told(v))
		}
	}
	if len(all) == 0 {
		return ocpp2.GetReportResponse{Status: ocpp2.GenericDeviceModelStatusEmptyResultSet}, nil
	}
	d.c.after(r, func() { d.report(req.RequestID, all) })
	return ocpp2.GetReportResponse{Status: ocpp2.GenericDeviceModelStatusAccepted}, nil
}

// isOf reports whether a variable is named by its component, and by its name if that
// has one.
func (v *variable) isOf(c ocpp2.ComponentVariable) bool {
	return strings.EqualFold(v.component, c.Component.Name) && (c.Component.EVSE == nil || c.Component.EVSE.ID == v.evse) &&
		(c.Variable == nil || strings.EqualFold(v.name, c.Variable.Name))
}

// report tells variables in pages.
func (d *v2) report(request int, all []ocpp2.ReportData) {
	at := ocpp.NewDateTime(d.c.now())
	pages := slices.Collect(slices.Chunk(all, itemsPerMessage))
	for n, page := range pages {
		report := ocpp2.NotifyReportRequest{RequestID: request, GeneratedAt: at, SeqNo: n, ReportData: page}
		if n < len(pages)-1 {
			report.Tbc = new(true)
		}
		enqueue(d.c, ocpp2.NotifyReport, report)
	}
}

func (d *v2) told(v *variable) ocpp2.ReportData {
	out := ocpp2.ReportData{Component: ocpp2.Component{Name: v.component}, Variable: ocpp2.Variable{Name: v.name}}
	if v.evse > 0 {
		out.Component.EVSE = &ocpp2.EVSE{ID: v.evse}
		if v.component == "Connector" {
			out.Component.EVSE.ConnectorID = new(1)
		}
	}
	if v.instance != "" {
		out.Variable.Instance = &v.instance
	}
	mutability := ocpp2.MutabilityReadWrite
	if v.fixed {
		mutability = ocpp2.MutabilityReadOnly
	}
	out.VariableAttribute = []ocpp2.VariableAttribute{{Value: new(d.actual(v)), Mutability: &mutability}}
	c := &ocpp2.VariableCharacteristics{DataType: v.data}
	if v.unit != "" {
		c.Unit = &v.unit
	}
	if v.values != "" {
		c.ValuesList = &v.values
	}
	out.VariableCharacteristics = c
	return out
}

// trigger sends what the CSMS asks for, after the answer (P2 F06).
func (d *v2) trigger(_ context.Context, _ *ocpp.Conn, req ocpp2.TriggerMessageRequest, r *ocpp.Request) (ocpp2.TriggerMessageResponse, error) {
	send := map[ocpp2.MessageTrigger]func(outlets []*outlet){
		ocpp2.MessageTriggerBootNotification:   func([]*outlet) { d.c.enqueueBoot() },
		ocpp2.MessageTriggerHeartbeat:          func([]*outlet) { enqueue(d.c, ocpp2.Heartbeat, ocpp2.HeartbeatRequest{}) },
		ocpp2.MessageTriggerMeterValues:        d.triggerMeter,
		ocpp2.MessageTriggerTransactionEvent:   d.triggerTransaction,
		ocpp2.MessageTriggerStatusNotification: func(outlets []*outlet) { d.statuses(outlets, false) },
		ocpp2.MessageTriggerFirmwareStatusNotification: func([]*outlet) {
			enqueue(d.c, ocpp2.FirmwareStatusNotification, ocpp2.FirmwareStatusNotificationRequest{Status: ocpp2.FirmwareStatusIdle})
		},
		ocpp2.MessageTriggerLogStatusNotification: func([]*outlet) {
			enqueue(d.c, ocpp2.LogStatusNotification, ocpp2.LogStatusNotificationRequest{Status: ocpp2.UploadLogStatusIdle})
		},
		ocpp2.MessageTriggerSignChargingStationCertificate: func([]*outlet) { d.signCertificate() },
	}[req.RequestedMessage]
	if send == nil {
		return ocpp2.TriggerMessageResponse{Status: ocpp2.TriggerMessageStatusNotImplemented}, nil
	}
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	outlets := d.c.chosen(evseOf(req.EVSE))
	if outlets == nil {
		return ocpp2.TriggerMessageResponse{Status: ocpp2.TriggerMessageStatusRejected, StatusInfo: refusal("UnknownEvse")}, nil
	}
	d.c.after(r, func() { send(outlets) })
	return ocpp2.TriggerMessageResponse{Status: ocpp2.TriggerMessageStatusAccepted}, nil
}

// triggerMeter tells the present values, as of no transaction.
func (d *v2) triggerMeter(outlets []*outlet) {
	for _, o := range outlets {
		if values := d.meterValue(o, d.c.now(), ocpp2.ReadingContextTrigger, d.sampled()); values != nil {
			enqueue(d.c, ocpp2.MeterValues, ocpp2.MeterValuesRequest{EVSEID: o.Number, MeterValue: values})
		}
	}
}

func (d *v2) triggerTransaction(outlets []*outlet) {
	for _, o := range outlets {
		if o.tx != nil {
			d.sendSample(o, o.tx, ocpp2.TriggerReasonTrigger, ocpp2.ReadingContextTrigger)
		}
	}
}
