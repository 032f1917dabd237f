package downstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// service implements servicer.
func (d *v2) service(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error) {
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
		r, err := ocpp2.CancelReservation.Call(ctx, d.conn, ocpp2.CancelReservationRequest{ReservationID: detail.ReservationID}, opt)
		return says2(r.Status, r.StatusInfo, err)
	case controller.ListDetail:
		return d.sendList(ctx, detail, opt)
	case controller.TransferDetail:
		return d.transfer(ctx, detail, opt)
	case controller.CertificateDetail:
		return d.certificate(ctx, c.Kind, detail, opt)
	case controller.CertificateID:
		r, err := ocpp2.DeleteCertificate.Call(ctx, d.conn, ocpp2.DeleteCertificateRequest{CertificateHashData: ocpp2.CertificateHashData{
			HashAlgorithm: ocpp2.HashAlgorithm(detail.Algorithm), IssuerNameHash: detail.IssuerNameHash, IssuerKeyHash: detail.IssuerKeyHash, SerialNumber: detail.Serial}}, opt)
		return says2(r.Status, r.StatusInfo, err)
	}
	return served{}, noSuchCommand(c.Kind)
}

// says2 is an answer of which Accepted, also AcceptedCanceled, is a yes. Of a refusal
// the charger's reason becomes the error.
func says2[T ~string](status T, info *ocpp2.StatusInfo, err error) (served, error) {
	out := served{status: string(status), accepted: says(status, accepted) || says(status, "AcceptedCanceled")}
	if why := reasonText(info); err == nil && !out.accepted && why != "" {
		err = errors.New(why)
	}
	return out, err
}

// told is an answer that has no status: it tells something, or is an error.
func told(data any, err error) (served, error) {
	if err != nil {
		return served{}, err
	}
	return served{status: accepted, accepted: true, data: data}, nil
}

// plainService carries out what has no detail.
func (d *v2) plainService(ctx context.Context, c controller.Command, opt func(*ocpp.Call)) (served, error) {
	switch c.Kind {
	case controller.CommandClearCache:
		r, err := ocpp2.ClearCache.Call(ctx, d.conn, ocpp2.ClearCacheRequest{}, opt)
		return says2(r.Status, r.StatusInfo, err)
	case controller.CommandListVersion:
		r, err := ocpp2.GetLocalListVersion.Call(ctx, d.conn, ocpp2.GetLocalListVersionRequest{}, opt)
		return told(r.VersionNumber, err)
	case controller.CommandTxStatus:
		r, err := ocpp2.GetTransactionStatus.Call(ctx, d.conn, ocpp2.GetTransactionStatusRequest{TransactionID: optional(c.ChargerTx)}, opt)
		return told(controller.TxStatus{Ongoing: r.OngoingIndicator, Waiting: r.MessagesInQueue}, err)
	}
	return served{}, noSuchCommand(c.Kind)
}

// composite reads what holds on an EVSE, as v16.composite does.
func (d *v2) composite(ctx context.Context, evse int, c controller.CompositeDetail, opt func(*ocpp.Call)) (served, error) {
	r, err := ocpp2.GetCompositeSchedule.Call(ctx, d.conn, ocpp2.GetCompositeScheduleRequest{EVSEID: evse, Duration: int(c.For / time.Second)}, opt)
	if isRefusal(err) || err == nil && !says(r.Status, ocpp2.GenericStatusAccepted) {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.Composite = controller.No })
		return says2(r.Status, r.StatusInfo, err)
	}
	if err != nil {
		return served{}, err
	}
	out := controller.Composite{Unlimited: true}
	if s := r.Schedule; s != nil && len(s.ChargingSchedulePeriod) > 0 && s.ChargingSchedulePeriod[0].Limit != nil {
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
	return served{status: accepted, accepted: true, data: out}, nil
}

func (d *v2) collectLog(ctx context.Context, l controller.LogDetail, opt func(*ocpp.Call)) (served, error) {
	times, after := retries(l.Retry)
	kind := ocpp2.LogDiagnosticsLog
	if l.Security {
		kind = ocpp2.LogSecurityLog
	}
	r, err := ocpp2.GetLog.Call(ctx, d.conn, ocpp2.GetLogRequest{LogType: kind, RequestID: l.RequestID, Retries: times, RetryInterval: after,
		Log: ocpp2.LogParameters{RemoteLocation: l.Location, OldestTimestamp: moment(l.Since), LatestTimestamp: moment(l.Until)}}, opt)
	out, err := says2(r.Status, r.StatusInfo, err)
	if name := text(r.Filename); name != "" && out.accepted {
		out.data = name
	}
	return out, err
}

// updateFirmware needs no signature: 2.x has one message for both.
func (d *v2) updateFirmware(ctx context.Context, f controller.FirmwareDetail, opt func(*ocpp.Call)) (served, error) {
	times, after := retries(f.Retry)
	if f.RetrieveAt.IsZero() {
		f.RetrieveAt = time.Now()
	}
	r, err := ocpp2.UpdateFirmware.Call(ctx, d.conn, ocpp2.UpdateFirmwareRequest{RequestID: f.RequestID, Retries: times, RetryInterval: after,
		Firmware: ocpp2.Firmware{Location: f.Location, RetrieveDateTime: clock(f.RetrieveAt), InstallDateTime: moment(f.InstallAt),
			SigningCertificate: optional(f.Certificate), Signature: optional(f.Signature)}}, opt)
	return says2(r.Status, r.StatusInfo, err)
}

func (d *v2) reserve(ctx context.Context, c controller.Command, v controller.ReserveDetail, opt func(*ocpp.Call)) (served, error) {
	req := ocpp2.ReserveNowRequest{ID: v.ReservationID, ExpiryDateTime: clock(v.Until), IDToken: idToken(c.Token)}
	if c.Connector > 0 {
		req.EVSEID = &c.Connector
	}
	if v.Parent != "" {
		req.GroupIDToken = &ocpp2.IDToken{IDToken: v.Parent, Type: ocpp2.IDTokenEnumCentral}
	}
	r, err := ocpp2.ReserveNow.Call(ctx, d.conn, req, opt)
	return says2(r.Status, r.StatusInfo, err)
}

func (d *v2) sendList(ctx context.Context, l controller.ListDetail, opt func(*ocpp.Call)) (served, error) {
	req := ocpp2.SendLocalListRequest{VersionNumber: l.Version, UpdateType: ocpp2.UpdateDifferential}
	if l.Full {
		req.UpdateType = ocpp2.UpdateFull
	}
	for _, e := range l.Entries {
		entry := ocpp2.AuthorizationData{IDToken: idToken(e.Token)}
		if e.Info != nil {
			entry.IDTokenInfo = new(tokenInfo(*e.Info))
		}
		req.LocalAuthorizationList = append(req.LocalAuthorizationList, entry)
	}
	r, err := ocpp2.SendLocalList.Call(ctx, d.conn, req, opt)
	return says2(r.Status, r.StatusInfo, err)
}

// transfer sends text as text, and what is JSON as such: 2.x allows any type (P2 DataTransferRequest).
func (d *v2) transfer(ctx context.Context, t controller.TransferDetail, opt func(*ocpp.Call)) (served, error) {
	req := ocpp2.DataTransferRequest{VendorID: t.Vendor, MessageID: optional(t.Message)}
	if t.Data != nil {
		req.Data = json.RawMessage(*t.Data)
		if !json.Valid(req.Data) {
			quoted, err := json.Marshal(*t.Data)
			if err != nil {
				return served{}, fmt.Errorf("cannot send the data: %w", err)
			}
			req.Data = quoted
		}
	}
	r, err := ocpp2.DataTransfer.Call(ctx, d.conn, req, opt)
	out, err := says2(r.Status, r.StatusInfo, err)
	if len(r.Data) > 0 && string(r.Data) != "null" {
		out.data = r.Data
	}
	return out, err
}

func (d *v2) certificate(ctx context.Context, kind controller.CommandKind, c controller.CertificateDetail, opt func(*ocpp.Call)) (served, error) {
	switch kind {
	case controller.CommandInstallCert:
		r, err := ocpp2.InstallCertificate.Call(ctx, d.conn, ocpp2.InstallCertificateRequest{
			CertificateType: ocpp2.InstallCertificateUse(use2(c.Use)), Certificate: c.PEM}, opt)
		return says2(r.Status, r.StatusInfo, err)
	case controller.CommandSignedCert:
		r, err := ocpp2.CertificateSigned.Call(ctx, d.conn, ocpp2.CertificateSignedRequest{
			CertificateChain: c.PEM, CertificateType: new(ocpp2.CertificateSigningUseChargingStationCertificate)}, opt)
		return says2(r.Status, r.StatusInfo, err)
	case controller.CommandListCerts:
		r, err := ocpp2.GetInstalledCertificateIds.Call(ctx, d.conn, ocpp2.GetInstalledCertificateIdsRequest{
			CertificateType: []ocpp2.GetCertificateIDUse{ocpp2.GetCertificateIDUse(use2(c.Use))}}, opt)
		out, err := says2(r.Status, r.StatusInfo, err)
		ids := make([]controller.CertificateID, 0, len(r.CertificateHashDataChain))
		for _, chain := range r.CertificateHashDataChain {
			h := chain.CertificateHashData
			ids = append(ids, controller.CertificateID{Algorithm: string(h.HashAlgorithm), IssuerNameHash: h.IssuerNameHash, IssuerKeyHash: h.IssuerKeyHash, Serial: h.SerialNumber})
		}
		out.data = ids
		return out, err
	}
	return served{}, noSuchCommand(kind)
}

// use2 is what a root vouches for in words of 2.x.
func use2(u controller.CertificateUse) string {
	if u == controller.UseCentralSystem {
		return string(ocpp2.InstallCertificateUseCSMSRootCertificate)
	}
	return string(u)
}
