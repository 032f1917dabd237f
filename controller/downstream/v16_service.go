package downstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// service implements servicer.
func (d *v16) service(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error) {
	switch detail := c.Detail.(type) {
	case nil:
		return d.plainService(ctx, c, opt)
	case controller.CompositeDetail:
		return d.composite(ctx, c.Connector, detail, opt)
	case controller.LogDetail:
		return d.collectLog(ctx, detail, opt)
	case controller.FirmwareDetail:
		return d.updateFirmware(ctx, detail, opt)
	case controller.ReserveDetail:
		return d.reserve(ctx, c, detail, opt)
	case controller.CancelDetail:
		r, err := ocpp16.CancelReservation.Call(ctx, d.conn, ocpp16.CancelReservationRequest{ReservationID: detail.ReservationID}, opt)
		return answered(r.Status, ocpp16.CancelReservationStatusAccepted), err
	case controller.ListDetail:
		return d.sendList(ctx, detail, opt)
	case controller.TransferDetail:
		return d.transfer(ctx, detail, opt)
	case controller.CertificateDetail:
		return d.certificate(ctx, c.Kind, detail, opt)
	case controller.CertificateID:
		r, err := ocpp16.DeleteCertificate.Call(ctx, d.conn, ocpp16.DeleteCertificateRequest{CertificateHashData: ocpp16.CertificateHashData{
			HashAlgorithm: ocpp16.HashAlgorithm(detail.Algorithm), IssuerNameHash: detail.IssuerNameHash, IssuerKeyHash: detail.IssuerKeyHash, SerialNumber: detail.Serial}}, opt)
		return answered(r.Status, ocpp16.DeleteCertificateStatusAccepted), err
	}
	return served{}, noSuchCommand(c.Kind)
}

func noSuchCommand(kind controller.CommandKind) error {
	return fmt.Errorf("cannot carry out %q: not made for this version of OCPP", kind)
}

// answered is a status of which only one is a yes.
func answered[T ~string](status, yes T) served {
	return served{status: string(status), accepted: says(status, yes)}
}

// plainService carries out what has no detail.
func (d *v16) plainService(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error) {
	switch c.Kind {
	case controller.CommandClearCache:
		r, err := ocpp16.ClearCache.Call(ctx, d.conn, ocpp16.ClearCacheRequest{}, opt)
		return answered(r.Status, ocpp16.ClearCacheStatusAccepted), err
	case controller.CommandListVersion:
		r, err := ocpp16.GetLocalListVersion.Call(ctx, d.conn, ocpp16.GetLocalListVersionRequest{}, opt)
		return served{status: wordAccepted, accepted: true, data: r.ListVersion}, err
	}
	return served{}, noSuchCommand(c.Kind)
}

// wordAccepted is the status given where an answer has none of its own.
const wordAccepted = "Accepted"

// composite reads what holds on a connector. A limit of -1, or no period at all, is how
// chargers say that none holds (pitfall 27); the rest of the schedule is not believed.
func (d *v16) composite(ctx context.Context, connector int, c controller.CompositeDetail, opt func(*ocpp.Call)) (served, error) {
	r, err := ocpp16.GetCompositeSchedule.Call(ctx, d.conn, ocpp16.GetCompositeScheduleRequest{ConnectorID: connector, Duration: int(c.For / time.Second)}, opt)
	if isRefusal(err) || err == nil && !says(r.Status, ocpp16.GetCompositeScheduleStatusAccepted) {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.Composite = controller.No })
		return served{status: string(r.Status)}, err
	}
	if err != nil {
		return served{}, err
	}
	out := controller.Composite{Unlimited: true}
	if s := r.ChargingSchedule; s != nil && len(s.ChargingSchedulePeriod) > 0 {
		first := s.ChargingSchedulePeriod[0]
		milli, err := first.Limit.Milli()
		if err != nil {
			return served{status: string(r.Status)}, fmt.Errorf("cannot read the limit of the schedule: %w", err)
		}
		if milli >= 0 {
			out = controller.Composite{Unit: controller.RateUnit(s.ChargingRateUnit), Milli: milli, Phases: max(0, deref(first.NumberPhases))}
		}
	}
	d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.Composite = controller.Yes })
	return served{status: wordAccepted, accepted: true, data: out}, nil
}

// collectLog asks by GetLog, and a charger without the security extension by
// GetDiagnostics, which has no security log and no request id.
func (d *v16) collectLog(ctx context.Context, l controller.LogDetail, opt func(*ocpp.Call)) (served, error) {
	times, after := retries(l.Retry)
	kind := ocpp16.LogDiagnosticsLog
	if l.Security {
		kind = ocpp16.LogSecurityLog
	}
	r, err := ocpp16.GetLog.Call(ctx, d.conn, ocpp16.GetLogRequest{LogType: kind, RequestID: l.RequestID, Retries: times, RetryInterval: after,
		Log: ocpp16.LogParameters{RemoteLocation: l.Location, OldestTimestamp: moment(l.Since), LatestTimestamp: moment(l.Until)}}, opt)
	if err == nil {
		return served{status: string(r.Status), accepted: says(r.Status, ocpp16.LogStatusAccepted) || says(r.Status, ocpp16.LogStatusAcceptedCanceled), data: text(r.Filename)}, nil
	}
	if l.Security || !unknownHere(err) {
		return served{}, err
	}
	old, err := ocpp16.GetDiagnostics.Call(ctx, d.conn, ocpp16.GetDiagnosticsRequest{Location: l.Location, Retries: times, RetryInterval: after,
		StartTime: moment(l.Since), StopTime: moment(l.Until)}, opt)
	if err != nil {
		return served{}, err
	}
	if name := text(old.FileName); name != "" {
		return served{status: wordAccepted, accepted: true, data: name}, nil
	}
	return served{status: "Rejected"}, nil // it has nothing to tell (16§5.9)
}

// unknownHere tells that the charger does not know the message.
func unknownHere(err error) bool {
	e, ok := errors.AsType[*ocpp.Error](err)
	return ok && (e.Code == ocpp.CodeNotImplemented || e.Code == ocpp.CodeNotSupported)
}

func (d *v16) updateFirmware(ctx context.Context, f controller.FirmwareDetail, opt func(*ocpp.Call)) (served, error) {
	times, after := retries(f.Retry)
	if f.RetrieveAt.IsZero() {
		f.RetrieveAt = time.Now()
	}
	if f.Signature == "" {
		_, err := ocpp16.UpdateFirmware.Call(ctx, d.conn, ocpp16.UpdateFirmwareRequest{Location: f.Location, RetrieveDate: clock(f.RetrieveAt), Retries: times, RetryInterval: after}, opt)
		return served{status: wordAccepted, accepted: true}, err
	}
	r, err := ocpp16.SignedUpdateFirmware.Call(ctx, d.conn, ocpp16.SignedUpdateFirmwareRequest{RequestID: f.RequestID, Retries: times, RetryInterval: after,
		Firmware: ocpp16.Firmware{Location: f.Location, RetrieveDateTime: clock(f.RetrieveAt), InstallDateTime: moment(f.InstallAt),
			SigningCertificate: f.Certificate, Signature: f.Signature}}, opt)
	return served{status: string(r.Status), accepted: says(r.Status, ocpp16.UpdateFirmwareStatusAccepted) || says(r.Status, ocpp16.UpdateFirmwareStatusAcceptedCanceled)}, err
}

func (d *v16) reserve(ctx context.Context, c controller.Command, v controller.ReserveDetail, opt func(*ocpp.Call)) (served, error) {
	r, err := ocpp16.ReserveNow.Call(ctx, d.conn, ocpp16.ReserveNowRequest{ConnectorID: c.Connector, ExpiryDate: clock(v.Until), IDTag: c.Token.Value,
		ParentIDTag: optional(v.Parent), ReservationID: v.ReservationID}, opt)
	return answered(r.Status, ocpp16.ReservationStatusAccepted), err
}

func (d *v16) sendList(ctx context.Context, l controller.ListDetail, opt func(*ocpp.Call)) (served, error) {
	req := ocpp16.SendLocalListRequest{ListVersion: l.Version, UpdateType: ocpp16.UpdateTypeDifferential}
	if l.Full {
		req.UpdateType = ocpp16.UpdateTypeFull
	}
	for _, e := range l.Entries {
		entry := ocpp16.AuthorizationData{IDTag: e.Token.Value}
		if e.Info != nil {
			entry.IDTagInfo = new(tagInfo(*e.Info))
		}
		req.LocalAuthorizationList = append(req.LocalAuthorizationList, entry)
	}
	r, err := ocpp16.SendLocalList.Call(ctx, d.conn, req, opt)
	return answered(r.Status, ocpp16.UpdateStatusAccepted), err
}

func (d *v16) transfer(ctx context.Context, t controller.TransferDetail, opt func(*ocpp.Call)) (served, error) {
	r, err := ocpp16.DataTransfer.Call(ctx, d.conn, ocpp16.DataTransferRequest{VendorID: t.Vendor, MessageID: optional(t.Message), Data: t.Data}, opt)
	out := answered(r.Status, ocpp16.DataTransferStatusAccepted)
	if r.Data != nil {
		out.data = *r.Data
	}
	return out, err
}

func (d *v16) certificate(ctx context.Context, kind controller.CommandKind, c controller.CertificateDetail, opt func(*ocpp.Call)) (served, error) {
	switch kind {
	case controller.CommandInstallCert:
		r, err := ocpp16.InstallCertificate.Call(ctx, d.conn, ocpp16.InstallCertificateRequest{CertificateType: ocpp16.CertificateUse(c.Use), Certificate: c.PEM}, opt)
		return answered(r.Status, ocpp16.InstallCertificateStatusAccepted), err
	case controller.CommandSignedCert:
		r, err := ocpp16.CertificateSigned.Call(ctx, d.conn, ocpp16.CertificateSignedRequest{CertificateChain: c.PEM}, opt)
		return answered(r.Status, ocpp16.CertificateSignedStatusAccepted), err
	case controller.CommandListCerts:
		r, err := ocpp16.GetInstalledCertificateIds.Call(ctx, d.conn, ocpp16.GetInstalledCertificateIdsRequest{CertificateType: ocpp16.CertificateUse(c.Use)}, opt)
		ids := make([]controller.CertificateID, 0, len(r.CertificateHashData))
		for _, h := range r.CertificateHashData {
			ids = append(ids, controller.CertificateID{Algorithm: string(h.HashAlgorithm), IssuerNameHash: h.IssuerNameHash, IssuerKeyHash: h.IssuerKeyHash, Serial: h.SerialNumber})
		}
		return served{status: string(r.Status), accepted: says(r.Status, ocpp16.GetInstalledCertificateStatusAccepted), data: ids}, err
	}
	return served{}, noSuchCommand(kind)
}

func retries(r controller.Retry) (times, after *int) {
	if r.Times > 0 {
		times = &r.Times
	}
	if r.After > 0 {
		after = new(int(r.After / time.Second))
	}
	return times, after
}

func moment(t time.Time) *ocpp.DateTime {
	if t.IsZero() {
		return nil
	}
	return new(clock(t))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
