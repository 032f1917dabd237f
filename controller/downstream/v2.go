package downstream

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// v2 is the dialect of OCPP 2.0.1 and 2.1 (P2 is part 2 of the specification). A
// connector of the controller is an EVSE here; which of an EVSE's plugs is used makes
// no difference to a fuse or a bill.
type v2 struct {
	*leader
	mux    *ocpp.Mux
	number atomic.Int64 // the last requestId or remoteStartId
	// softReset: the reset that is asked for or under way is a soft one in words of 1.6.
	softReset atomic.Bool

	mu        sync.Mutex
	plugs     map[int]map[int]ocpp2.ConnectorStatus // by EVSE and connector; connector 0: the EVSE itself
	running   map[string]*running                   // by the charger's transactionId
	inventory inventory
	items     map[string]int // by action: entries per message
	external  outsideReport
	held      map[int]given // by EVSE
}

func newV2(s *session) dialect {
	d := &v2{
		mux:   ocpp.NewMux(ocpp2.KnownIn(s.conn.Protocol())),
		plugs: map[int]map[int]ocpp2.ConnectorStatus{}, running: map[string]*running{}, items: map[string]int{}, held: map[int]given{},
	}
	d.leader = newLeader(s, d)
	// Numbers go on over reconnections, so that a late report is not taken for a new one.
	d.number.Store(time.Now().Unix() % numbersFrom)
	d.routes(d.mux)
	return d
}

// numbersFrom keeps numbers made from the clock far from the end of an int32.
const numbersFrom = 1_000_000_000

func (d *v2) nextNumber() int { return int(d.number.Add(1)) }

func (d *v2) handle(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
	return d.mux.HandleCall(ctx, c, r)
}

func (d *v2) routes(m *ocpp.Mux) {
	m.Lenience = ocpp.Lenient
	m.Problems = func(_ *ocpp.Conn, r *ocpp.Request, problems []string) { d.logProblems(r, problems) }
	ocpp.Handle(m, ocpp2.BootNotification, d.boot)
	ocpp.Handle(m, ocpp2.Heartbeat, d.heartbeat)
	ocpp.Handle(m, ocpp2.Authorize, d.authorize)
	ocpp.Handle(m, ocpp2.SignCertificate, d.signCertificate)
	m.Raw("StatusNotification", d.status)
	m.Raw("NotifyEvent", d.event)
	m.Raw("TransactionEvent", d.transaction)
	m.Raw("MeterValues", d.meter)
	m.Raw("NotifyReport", d.report)
	d.routeOthers(m)
}

func (d *v2) boot(ctx context.Context, _ *ocpp.Conn, req ocpp2.BootNotificationRequest, r *ocpp.Request) (ocpp2.BootNotificationResponse, error) {
	station := req.ChargingStation
	answer, err := d.registers(ctx, r, controller.ChargerInfo{
		Vendor: station.VendorName, Model: station.Model, Serial: text(station.SerialNumber), Firmware: text(station.FirmwareVersion),
	})
	if err != nil {
		return ocpp2.BootNotificationResponse{}, err
	}
	d.hub.log.Info("charger booted", "station", d.id, "reason", req.Reason, "status", answer.Status)
	return ocpp2.BootNotificationResponse{
		Status: ocpp2.RegistrationStatus(answer.Status), CurrentTime: clock(answer.Now), Interval: int(answer.Interval / time.Second),
	}, nil
}

func (d *v2) heartbeat(context.Context, *ocpp.Conn, ocpp2.HeartbeatRequest, *ocpp.Request) (ocpp2.HeartbeatResponse, error) {
	return ocpp2.HeartbeatResponse{CurrentTime: clock(time.Now())}, nil
}

// authorize judges the token. A certificate that comes with it is not judged: without
// a word on it a charger that insists on one refuses the car (C07).
func (d *v2) authorize(ctx context.Context, _ *ocpp.Conn, req ocpp2.AuthorizeRequest, _ *ocpp.Request) (ocpp2.AuthorizeResponse, error) {
	token, ok := tokenOf(req.IDToken)
	if !ok {
		return ocpp2.AuthorizeResponse{IDTokenInfo: ocpp2.IDTokenInfo{Status: ocpp2.AuthorizationStatusInvalid}}, nil
	}
	answer, err := ask[controller.AuthorizeAnswer](ctx, d.hub, func(id controller.ReplyID) controller.Event {
		return controller.AuthorizeAsked{Station: d.id, Reply: id, Token: token}
	})
	return ocpp2.AuthorizeResponse{IDTokenInfo: tokenInfo(answer.Info)}, err
}

// signCertificate hands a request for the charger's own certificate over; those of
// ISO 15118 are not made here.
func (d *v2) signCertificate(_ context.Context, _ *ocpp.Conn, req ocpp2.SignCertificateRequest, _ *ocpp.Request) (ocpp2.SignCertificateResponse, error) {
	use := req.CertificateType
	if use != nil && !says(*use, ocpp2.CertificateSigningUseChargingStationCertificate) {
		return ocpp2.SignCertificateResponse{Status: ocpp2.GenericStatusRejected, StatusInfo: &ocpp2.StatusInfo{ReasonCode: "UnsupportedRequest"}}, nil
	}
	if !d.certificateWanted(req.Csr) {
		return ocpp2.SignCertificateResponse{Status: ocpp2.GenericStatusRejected}, nil
	}
	return ocpp2.SignCertificateResponse{Status: ocpp2.GenericStatusAccepted}, nil
}
