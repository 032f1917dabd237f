package downstream

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// v16 is the dialect of OCPP 1.6 with the security extension (16, 16S).
type v16 struct {
	*leader
	mux *ocpp.Mux
}

func newV16(s *session) dialect {
	d := &v16{mux: ocpp.NewMux(ocpp16.Known)}
	d.leader = newLeader(s, d)
	d.routes(d.mux)
	return d
}

func (d *v16) handle(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	return d.mux.HandleCall(ctx, c, r)
}

func (d *v16) routes(m *ocpp.Mux) {
	m.Lenience = ocpp.Lenient
	m.Problems = func(_ *ocpp.Conn, r *ocpp.Request, problems []string) { d.logProblems(r, problems) }
	ocpp.Handle(m, ocpp16.BootNotification, d.boot)
	ocpp.Handle(m, ocpp16.Heartbeat, d.heartbeat)
	ocpp.Handle(m, ocpp16.Authorize, d.authorize)
	ocpp.Handle(m, ocpp16.DataTransfer, d.dataTransfer)
	ocpp.Handle(m, ocpp16.SignCertificate, func(_ context.Context, _ *ocpp.Conn, req ocpp16.SignCertificateRequest, _ *ocpp.Request) (ocpp16.SignCertificateResponse, error) {
		if !d.certificateWanted(req.Csr) {
			return ocpp16.SignCertificateResponse{Status: ocpp16.GenericStatusRejected}, nil
		}
		return ocpp16.SignCertificateResponse{Status: ocpp16.GenericStatusAccepted}, nil
	})
	ocpp.Handle(m, ocpp16.DiagnosticsStatusNotification, d.diagnosticsStatus)
	ocpp.Handle(m, ocpp16.LogStatusNotification, d.logStatus)
	ocpp.Handle(m, ocpp16.FirmwareStatusNotification, d.firmwareStatus)
	ocpp.Handle(m, ocpp16.SignedFirmwareStatusNotification, d.signedFirmwareStatus)
	ocpp.Handle(m, ocpp16.SecurityEventNotification, d.securityEvent)
	m.Raw("StatusNotification", d.status)
	m.Raw("StartTransaction", d.start)
	m.Raw("StopTransaction", d.stop)
	m.Raw("MeterValues", d.meter)
}

func (d *v16) boot(ctx context.Context, _ *ocpp.Conn, req ocpp16.BootNotificationRequest, r *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
	info := controller.ChargerInfo{
		Vendor: req.ChargePointVendor, Model: req.ChargePointModel, Serial: text(req.ChargePointSerialNumber),
		Firmware: text(req.FirmwareVersion), MeterSerial: text(req.MeterSerialNumber), MeterType: text(req.MeterType),
	}
	if info.Serial == "" {
		info.Serial = text(req.ChargeBoxSerialNumber)
	}
	answer, err := d.registers(ctx, r, info)
	if err != nil {
		return ocpp16.BootNotificationResponse{}, err
	}
	return ocpp16.BootNotificationResponse{
		Status: ocpp16.RegistrationStatus(answer.Status), CurrentTime: clock(answer.Now), Interval: int(answer.Interval / time.Second),
	}, nil
}

func (d *v16) heartbeat(context.Context, *ocpp.Conn, ocpp16.HeartbeatRequest, *ocpp.Request) (ocpp16.HeartbeatResponse, error) {
	return ocpp16.HeartbeatResponse{CurrentTime: clock(time.Now())}, nil
}

func (d *v16) authorize(ctx context.Context, _ *ocpp.Conn, req ocpp16.AuthorizeRequest, _ *ocpp.Request) (ocpp16.AuthorizeResponse, error) {
	answer, err := ask[controller.AuthorizeAnswer](ctx, d.hub, func(id controller.ReplyID) controller.Event {
		return controller.AuthorizeAsked{Station: d.id, Reply: id, Token: token(req.IDTag)}
	})
	return ocpp16.AuthorizeResponse{IDTagInfo: tagInfo(answer.Info)}, err
}

func token(idTag string) controller.IDToken {
	return controller.IDToken{Value: strings.TrimSpace(idTag)}
}

// tagInfo is what a charger may know of a token. A parent that does not fit into 1.6
// is left out: the charger can't compare it anyway.
func tagInfo(info controller.TokenInfo) ocpp16.IDTagInfo {
	out := ocpp16.IDTagInfo{Status: ocpp16.AuthorizationStatus(info.Status)}
	if !out.Status.Known() {
		out.Status = ocpp16.AuthorizationStatusInvalid
	}
	if info.Parent != "" && utf8.RuneCountInString(info.Parent) <= 20 {
		out.ParentIDTag = &info.Parent
	}
	if !info.Expiry.IsZero() {
		out.ExpiryDate = new(ocpp.NewDateTime(info.Expiry))
	}
	return out
}
