package downstream

import (
	"context"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// setLimit writes a setpoint, and remembers which transaction's it is: the charger
// will tell the end only by its own id.
func (d *v2) setLimit(ctx context.Context, l controller.SetLimit, opt func(*ocpp.Call)) error {
	d.mu.Lock()
	d.runningTx(l.ChargerTx).tx = l.Tx
	delete(d.held, l.Connector)
	d.mu.Unlock()
	begun := time.Now()
	err := d.leader.setLimit(ctx, l, opt)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.running[l.ChargerTx] != nil { // it has not ended meanwhile
		d.held[l.Connector] = given{l, begun}
	}
	return err
}

// writeProfile implements profileWriter.
func (d *v2) writeProfile(ctx context.Context, p profile, opt func(*ocpp.Call)) error {
	req := profile2(p)
	if p.offline > 0 && d.conn.Protocol() >= ocpp.V21 {
		req.ChargingProfile.MaxOfflineDuration = new(int(p.offline / time.Second))
		req.ChargingProfile.InvalidAfterOfflineDuration = new(true)
	}
	resp, err := ocpp2.SetChargingProfile.Call(ctx, d.conn, req, opt)
	if err == nil && !says(resp.Status, ocpp2.ChargingProfileStatusAccepted) {
		return refusal(resp.Status, resp.StatusInfo)
	}
	return err
}

// profile2 is a profile in words of 2.x. The schedule has the profile's id: one of
// each is all there is.
func profile2(p profile) ocpp2.SetChargingProfileRequest {
	period := ocpp2.ChargingSchedulePeriod{StartPeriod: 0, Limit: &p.limit}
	if p.phases > 0 {
		period.NumberPhases = &p.phases
	}
	s := ocpp2.ChargingSchedule{ID: p.id, ChargingRateUnit: ocpp2.ChargingRateUnit(p.unit), ChargingSchedulePeriod: []ocpp2.ChargingSchedulePeriod{period}}
	if !p.start.IsZero() {
		s.StartSchedule = new(ocpp.NewDateTime(p.start))
	}
	if p.duration > 0 {
		s.Duration = new(int(p.duration / time.Second))
	}
	out := ocpp2.ChargingProfile{
		ID: p.id, StackLevel: p.stack, ChargingProfilePurpose: purpose2(p.purpose),
		ChargingProfileKind: ocpp2.ChargingProfileKind(p.kind), ChargingSchedule: []ocpp2.ChargingSchedule{s},
	}
	if p.chargerTx != "" {
		out.TransactionID = &p.chargerTx
	}
	return ocpp2.SetChargingProfileRequest{EVSEID: p.connector, ChargingProfile: out}
}

func purpose2(p controller.ProfilePurpose) ocpp2.ChargingProfilePurpose {
	if p == controller.PurposeStationMax {
		return ocpp2.ChargingProfilePurposeChargingStationMaxProfile
	}
	return ocpp2.ChargingProfilePurpose(p)
}

// clearID implements profileWriter.
func (d *v2) clearID(ctx context.Context, id int, opt func(*ocpp.Call)) error {
	return d.clearBy(ctx, ocpp2.ClearChargingProfileRequest{ChargingProfileID: &id}, opt)
}

// clearPlace implements profileWriter.
func (d *v2) clearPlace(ctx context.Context, connector int, purpose controller.ProfilePurpose, stack int, opt func(*ocpp.Call)) error {
	return d.clearBy(ctx, ocpp2.ClearChargingProfileRequest{ChargingProfileCriteria: &ocpp2.ClearChargingProfileType{
		EVSEID: &connector, ChargingProfilePurpose: new(purpose2(purpose)), StackLevel: &stack,
	}}, opt)
}

func (d *v2) clearBy(ctx context.Context, req ocpp2.ClearChargingProfileRequest, opt func(*ocpp.Call)) error {
	resp, err := ocpp2.ClearChargingProfile.Call(ctx, d.conn, req, opt)
	if err == nil && !says(resp.Status, ocpp2.ClearChargingProfileStatusAccepted) {
		return refusal(resp.Status, resp.StatusInfo)
	}
	return err
}

// refusal is the error of an answer that says no, with the reason it gives.
func refusal[T ~string](status T, info *ocpp2.StatusInfo) error {
	if why := reasonText(info); why != "" {
		return &statusError{string(status) + ": " + why}
	}
	return &statusError{string(status)}
}

// reasonText is what a charger says of the reason of its answer; "" if nothing.
func reasonText(info *ocpp2.StatusInfo) string {
	if info == nil {
		return ""
	}
	why := info.ReasonCode
	if more := text(info.AdditionalInfo); more != "" {
		why += " (" + more + ")"
	}
	return why
}
