package downstream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// given is a setpoint that the charger took.
type given struct {
	controller.SetLimit
	at time.Time
}

// left is how much of its lease is left.
func (g given) left(now time.Time) time.Duration { return g.Lease - now.Sub(g.at) }

// leastLeft is the rest of a lease that is not worth a message: the next one is on its way.
const leastLeft = 10 * time.Second

// chargingNeeds takes NotifyEVChargingNeeds (K15). The charger waits for a profile before
// it makes a plan with the car, so that it gets the present setpoint again.
func (d *v2) chargingNeeds(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.NotifyEVChargingNeedsRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	ev := controller.CarNeeds{Station: d.id, Connector: req.EVSEID, Energy: energyOf(req.ChargingNeeds)}
	if at := req.ChargingNeeds.DepartureTime; at != nil {
		ev.Departure = inZone(*at, d.charger.Zone)
	}
	d.hub.reports.add(ev)
	r.After(func() { d.giveAgain(req.EVSEID) })
	if _, err := d.private(ctx, c, r); err != nil { // a car's plans are its driver's
		return nil, err
	}
	return json.Marshal(ocpp2.NotifyEVChargingNeedsResponse{Status: ocpp2.NotifyEVChargingNeedsStatusAccepted})
}

// energyOf is the energy that a car wants, 0 if it does not say.
func energyOf(n ocpp2.ChargingNeeds) controller.WattHour {
	var amount ocpp.Decimal
	switch {
	case n.ACChargingParameters != nil:
		amount = n.ACChargingParameters.EnergyAmount
	case n.DCChargingParameters != nil && n.DCChargingParameters.EnergyAmount != nil:
		amount = *n.DCChargingParameters.EnergyAmount
	}
	if milli, err := amount.Milli(); err == nil && milli > 0 && milli < maxCarEnergy*1000 {
		return controller.WattHour(milli / 1000)
	}
	return 0
}

// maxCarEnergy is more than any car takes, in Wh: what is above is no energy.
const maxCarEnergy = 2_000_000

// giveAgain writes the setpoint of an EVSE again, for what is left of its lease.
func (d *v2) giveAgain(evse int) {
	d.planOnce(fmt.Sprint("again ", evse), func(ctx context.Context) {
		g, ok := d.givenTo(evse)
		left := g.left(time.Now()).Truncate(time.Second)
		if !ok || left < leastLeft {
			return
		}
		again := g.SetLimit
		again.Lease = left
		if err := d.leader.setLimit(ctx, again, d.within(d.hub.cfg.LimitTimeout)); err != nil {
			d.hub.log.Info("charger does not take its setpoint again", "station", d.id, "evse", evse, "err", err)
		}
	})
}

// givenTo is the setpoint that an EVSE holds.
func (d *v2) givenTo(evse int) (given, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := d.held[evse]
	return g, ok
}

// carSchedule takes NotifyEVChargingSchedule: what a car has chosen is accepted if it keeps
// to the setpoint for as long as that was given; if not, it is made to choose again
// (K15.FR.11 to 13).
func (d *v2) carSchedule(_ context.Context, _ *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	var req ocpp2.NotifyEVChargingScheduleRequest
	problems, err := ocpp.DecodeLenient(r.Payload, &req)
	if err != nil {
		return nil, err
	}
	d.logProblems(r, problems)
	if g, ok := d.givenTo(req.EVSEID); ok && d.exceeds(req, g, r.Received) {
		d.hub.log.Info("car chose more than it may have", "station", d.id, "evse", req.EVSEID)
		r.After(func() { d.giveAgain(req.EVSEID) })
		return json.Marshal(ocpp2.NotifyEVChargingScheduleResponse{Status: ocpp2.GenericStatusRejected, StatusInfo: &ocpp2.StatusInfo{ReasonCode: "ValueTooHigh"}})
	}
	return json.Marshal(ocpp2.NotifyEVChargingScheduleResponse{Status: ocpp2.GenericStatusAccepted})
}

// Cars round, and meet a voltage above the nominal one.
const (
	roundedBy    = 500 // mA
	highVoltage  = 110 // percent of the nominal one
	wholePercent = 100
)

// exceeds tells whether a schedule has more than a setpoint while that is held.
func (d *v2) exceeds(req ocpp2.NotifyEVChargingScheduleRequest, g given, now time.Time) bool {
	base := inZone(req.TimeBase, d.charger.Zone)
	if base.IsZero() {
		base = now
	}
	until := g.at.Add(g.Lease)
	periods := req.ChargingSchedule.ChargingSchedulePeriod
	for i, p := range periods {
		begins := base.Add(time.Duration(p.StartPeriod) * time.Second)
		over := i+1 < len(periods) && !base.Add(time.Duration(periods[i+1].StartPeriod)*time.Second).After(now)
		if over || !begins.Before(until) {
			continue
		}
		if _, most, ok := limitsOfPeriod(p); ok && most > d.allowed(g.Limit, string(req.ChargingSchedule.ChargingRateUnit), max(0, deref(p.NumberPhases)), g.Connector) {
			return true
		}
	}
	return false
}

// allowed is the most that a car may choose under a limit, in thousandths of unit.
func (d *v2) allowed(limit loadbalance.MilliAmp, unit string, phases, evse int) int64 {
	milli := int64(limit) + roundedBy
	if !says(unit, string(controller.UnitWatts)) {
		return milli
	}
	if phases == 0 {
		phases = max(d.outletAt(evse).phases, d.wired(evse))
	}
	return milli * int64(phases) * d.nominal(evse) / 1000 * highVoltage / wholePercent
}
