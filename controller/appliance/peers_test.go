package appliance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/config"
	"busbar/web"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/remotetrigger"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

// The peers below are made with an implementation of OCPP that is not ours: what both
// sides of Busbar say has to be understood by somebody else.

// diary is what a peer heard, in order, one line each.
type diary struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func newDiary() *diary { return &diary{more: make(chan struct{}, 1)} }

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
	d.mu.Unlock()
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// await waits until a line begins with prefix, and returns the rest of the first one.
func (d *diary) await(t *testing.T, prefix string) string {
	t.Helper()
	return d.wait(t, prefix, false)
}

// take is await, after which the line is no longer in the diary.
func (d *diary) take(t *testing.T, prefix string) string {
	t.Helper()
	return d.wait(t, prefix, true)
}

func (d *diary) wait(t *testing.T, prefix string, takes bool) string {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		for i, l := range d.lines {
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				if takes {
					d.lines = slices.Delete(d.lines, i, i+1)
				}
				d.mu.Unlock()
				return rest
			}
		}
		all := strings.Join(d.lines, "\n")
		d.mu.Unlock()
		select {
		case <-d.more:
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			t.Fatalf("never heard %q; heard:\n%s", prefix, all)
		}
	}
}

// cloud is the central system.
type cloud struct{ *diary }

const cloudTx = 777

func accepted() *types.IdTagInfo { return types.NewIdTagInfo(types.AuthorizationStatusAccepted) }

func (c cloud) OnAuthorize(_ string, r *core.AuthorizeRequest) (*core.AuthorizeConfirmation, error) {
	c.write("authorize %s", r.IdTag)
	return core.NewAuthorizationConfirmation(accepted()), nil
}

func (c cloud) OnBootNotification(id string, r *core.BootNotificationRequest) (*core.BootNotificationConfirmation, error) {
	c.write("boot %s %s", id, r.ChargePointVendor)
	return core.NewBootNotificationConfirmation(types.NewDateTime(time.Now()), 300, core.RegistrationStatusAccepted), nil
}

func (c cloud) OnDataTransfer(string, *core.DataTransferRequest) (*core.DataTransferConfirmation, error) {
	return core.NewDataTransferConfirmation(core.DataTransferStatusRejected), nil
}

func (c cloud) OnHeartbeat(string, *core.HeartbeatRequest) (*core.HeartbeatConfirmation, error) {
	return core.NewHeartbeatConfirmation(types.NewDateTime(time.Now())), nil
}

func (c cloud) OnMeterValues(_ string, r *core.MeterValuesRequest) (*core.MeterValuesConfirmation, error) {
	c.write("meter values %d of %d: %s", r.ConnectorId, *r.TransactionId, r.MeterValue[0].SampledValue[0].Value)
	return core.NewMeterValuesConfirmation(), nil
}

func (c cloud) OnStatusNotification(_ string, r *core.StatusNotificationRequest) (*core.StatusNotificationConfirmation, error) {
	c.write("status %d %s", r.ConnectorId, r.Status)
	return core.NewStatusNotificationConfirmation(), nil
}

func (c cloud) OnStartTransaction(_ string, r *core.StartTransactionRequest) (*core.StartTransactionConfirmation, error) {
	c.write("start %d %s %d", r.ConnectorId, r.IdTag, r.MeterStart)
	return core.NewStartTransactionConfirmation(accepted(), cloudTx), nil
}

func (c cloud) OnStopTransaction(_ string, r *core.StopTransactionRequest) (*core.StopTransactionConfirmation, error) {
	c.write("stop %d %d %s", r.TransactionId, r.MeterStop, r.Reason)
	return core.NewStopTransactionConfirmation(), nil
}

// point is the charge point.
type point struct{ *diary }

func (p point) OnChangeAvailability(*core.ChangeAvailabilityRequest) (*core.ChangeAvailabilityConfirmation, error) {
	return core.NewChangeAvailabilityConfirmation(core.AvailabilityStatusAccepted), nil
}

func (p point) OnChangeConfiguration(r *core.ChangeConfigurationRequest) (*core.ChangeConfigurationConfirmation, error) {
	p.write("key %s=%s", r.Key, r.Value)
	return core.NewChangeConfigurationConfirmation(core.ConfigurationStatusAccepted), nil
}

func (p point) OnClearCache(*core.ClearCacheRequest) (*core.ClearCacheConfirmation, error) {
	return core.NewClearCacheConfirmation(core.ClearCacheStatusAccepted), nil
}

func (p point) OnDataTransfer(*core.DataTransferRequest) (*core.DataTransferConfirmation, error) {
	return core.NewDataTransferConfirmation(core.DataTransferStatusRejected), nil
}

func (p point) OnGetConfiguration(*core.GetConfigurationRequest) (*core.GetConfigurationConfirmation, error) {
	return core.NewGetConfigurationConfirmation(nil), nil
}

func (p point) OnRemoteStartTransaction(*core.RemoteStartTransactionRequest) (*core.RemoteStartTransactionConfirmation, error) {
	return core.NewRemoteStartTransactionConfirmation(types.RemoteStartStopStatusRejected), nil
}

func (p point) OnRemoteStopTransaction(r *core.RemoteStopTransactionRequest) (*core.RemoteStopTransactionConfirmation, error) {
	p.write("remote stop %d", r.TransactionId)
	return core.NewRemoteStopTransactionConfirmation(types.RemoteStartStopStatusAccepted), nil
}

func (p point) OnReset(*core.ResetRequest) (*core.ResetConfirmation, error) {
	return core.NewResetConfirmation(core.ResetStatusRejected), nil
}

func (p point) OnUnlockConnector(*core.UnlockConnectorRequest) (*core.UnlockConnectorConfirmation, error) {
	return core.NewUnlockConnectorConfirmation(core.UnlockStatusUnlocked), nil
}

func (p point) OnSetChargingProfile(r *smartcharging.SetChargingProfileRequest) (*smartcharging.SetChargingProfileConfirmation, error) {
	p.write("profile %s connector %d limit %g", r.ChargingProfile.ChargingProfilePurpose, r.ConnectorId, r.ChargingProfile.ChargingSchedule.ChargingSchedulePeriod[0].Limit)
	return core16Profile(), nil
}

func core16Profile() *smartcharging.SetChargingProfileConfirmation {
	return smartcharging.NewSetChargingProfileConfirmation(smartcharging.ChargingProfileStatusAccepted)
}

func (p point) OnClearChargingProfile(*smartcharging.ClearChargingProfileRequest) (*smartcharging.ClearChargingProfileConfirmation, error) {
	return smartcharging.NewClearChargingProfileConfirmation(smartcharging.ClearChargingProfileStatusAccepted), nil
}

func (p point) OnGetCompositeSchedule(*smartcharging.GetCompositeScheduleRequest) (*smartcharging.GetCompositeScheduleConfirmation, error) {
	return smartcharging.NewGetCompositeScheduleConfirmation(smartcharging.GetCompositeScheduleStatusRejected), nil
}

func (p point) OnTriggerMessage(*remotetrigger.TriggerMessageRequest) (*remotetrigger.TriggerMessageConfirmation, error) {
	return remotetrigger.NewTriggerMessageConfirmation(remotetrigger.TriggerMessageStatusRejected), nil
}

func now16() *types.DateTime { return types.NewDateTime(time.Now()) }

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// serveCloud runs a central system until the returned function is called or the test
// ends. It returns once the port answers: the box's next attempt would be 10 s later.
func serveCloud(t *testing.T, handler core.CentralSystemHandler, port int) (cs ocpp16.CentralSystem, stop func()) {
	t.Helper()
	cs = ocpp16.NewCentralSystem(nil, nil)
	cs.SetCoreHandler(handler)
	return cs, startCloud(t, cs, port)
}

// startCloud has a central system listen, until stop is called or the test ends.
func startCloud(t *testing.T, cs interface {
	Start(port int, path string)
	Stop()
}, port int) (stop func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cs.Start(port, "/ocpp/{ws}")
	}()
	stop = sync.OnceFunc(func() {
		cs.Stop()
		<-ended
	})
	limit, again := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = conn.Close()
			t.Cleanup(stop)
			return stop
		}
		select {
		case <-again.C:
		case <-ended:
			t.Fatalf("the central system does not listen on port %d", port)
		case <-limit:
			t.Fatalf("nobody listens on port %d: %v", port, err)
		}
	}
}

// boxBetween runs a box with one charger, whose cloud is at cloudPort, until the test
// ends, and returns where chargers connect.
func boxBetween(t *testing.T, cloudPort int, demo web.Demo) string {
	t.Helper()
	cfg, err := config.Parse("peers.yaml", fmt.Appendf(nil, `version: 1
site: {id: peers, name: Peers, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers: [{id: CP1, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}]
upstream: {stations: [{id: SITE1, url: "ws://127.0.0.1:%d/ocpp", protocol: ocpp1.6, security_profile: 0, dialect: default}]}
authorization: {unknown: reject, offline_unknown: reject, groups: []}
onboarding: closed
listen: {ui: "", ws: "127.0.0.1:0", wss: "", mtls: "", modbus: ""}
`, cloudPort), config.Known{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := New(t.Context(), Options{Config: cfg, DataDir: t.TempDir(), Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- box.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "ws://" + box.Addr("chargers").String() + "/ocpp"
}

func TestIndependentPeersCompleteASession(t *testing.T) {
	central, port := cloud{newDiary()}, freePort(t)
	cs, _ := serveCloud(t, central, port)
	url := boxBetween(t, port, nil)

	charger := point{newDiary()}
	cp := ocpp16.NewChargePoint("CP1", nil, nil)
	cp.SetCoreHandler(charger)
	cp.SetSmartChargingHandler(charger)
	cp.SetRemoteTriggerHandler(charger)
	if err := cp.Start(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cp.Stop)

	boot, err := cp.BootNotification("Model", "Vendor")
	if err != nil || boot.Status != core.RegistrationStatusAccepted {
		t.Fatalf("boot: %+v, %v", boot, err)
	}
	if _, err := cp.StatusNotification(1, core.NoError, core.ChargePointStatusPreparing); err != nil {
		t.Fatal(err)
	}
	if limit := charger.await(t, "profile TxDefaultProfile connector 0 limit "); limit != "6" {
		t.Errorf("fall-back %s A, want 6", limit)
	}
	charger.await(t, "key MeterValueSampleInterval=10")
	if id := central.await(t, "boot "); id != "SITE1 Busbar" {
		t.Errorf("the cloud saw the boot of %q", id)
	}
	central.await(t, "status 0 Available")
	central.await(t, "status 1 Preparing")

	auth, err := cp.Authorize("TAG1")
	if err != nil || auth.IdTagInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("authorize: %+v, %v", auth, err)
	}
	central.await(t, "authorize TAG1")
	start, err := cp.StartTransaction(1, "TAG1", 1000, types.NewDateTime(time.Now()))
	if err != nil || start.IdTagInfo.Status != types.AuthorizationStatusAccepted || start.TransactionId == cloudTx {
		t.Fatalf("start: %+v, %v: want the box's own id", start, err)
	}
	if got := central.await(t, "start "); got != "1 TAG1 1000" {
		t.Errorf("the cloud heard start %s", got)
	}
	charger.await(t, "profile TxProfile connector 1 limit ")
	values := []types.MeterValue{{Timestamp: types.NewDateTime(time.Now()), SampledValue: []types.SampledValue{{Value: "1000.10", Context: types.ReadingContextTransactionBegin}}}}
	if _, err := cp.MeterValues(1, values, func(r *core.MeterValuesRequest) { r.TransactionId = &start.TransactionId }); err != nil {
		t.Fatal(err)
	}
	if got := central.await(t, "meter values "); got != "1 of 777: 1000.10" {
		t.Errorf("the cloud heard meter values %s", got)
	}

	stopped := make(chan error, 1)
	err = cs.RemoteStopTransaction("SITE1", func(c *core.RemoteStopTransactionConfirmation, err error) {
		if err == nil && c.Status != types.RemoteStartStopStatusAccepted {
			err = fmt.Errorf("answered %s", c.Status)
		}
		stopped <- err
	}, cloudTx)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Fatal("remote stop: ", err)
	}
	if id := charger.await(t, "remote stop "); id != strconv.Itoa(start.TransactionId) {
		t.Errorf("the charger was to stop %s, want %d", id, start.TransactionId)
	}
	if _, err := cp.StopTransaction(2500, types.NewDateTime(time.Now()), start.TransactionId, func(r *core.StopTransactionRequest) { r.Reason = core.ReasonRemote }); err != nil {
		t.Fatal(err)
	}
	if got := central.await(t, "stop "); got != "777 2500 Remote" {
		t.Errorf("the cloud heard stop %s", got)
	}
	if _, err := cp.StatusNotification(1, core.NoError, core.ChargePointStatusAvailable); err != nil {
		t.Fatal(err)
	}
	central.await(t, "status 1 Available")
}
