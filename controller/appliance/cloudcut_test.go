package appliance

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"

	"busbar/web"
)

// numberingCloud gives each transaction an id of its own, cloudTx first.
type numberingCloud struct {
	cloud
	started *atomic.Int64
}

func (c numberingCloud) OnStartTransaction(id string, r *core.StartTransactionRequest) (*core.StartTransactionConfirmation, error) {
	tx := cloudTx + int(c.started.Add(1)) - 1
	answer, err := c.cloud.OnStartTransaction(id, r)
	answer.TransactionId = tx
	return answer, err
}

// noFaults makes a box one of a demonstration: it calls the cloud again after a second
// or two, where one in service waits ten.
type noFaults struct{}

func (noFaults) Faults() []web.FaultButton { return nil }

func (noFaults) SetFault(name, _ string, _ bool) error { return fmt.Errorf("no fault %q", name) }

// driver is a charge point that a test drives; what fails ends the test.
type driver struct {
	point
	ocpp16.ChargePoint
}

func startDriver(t *testing.T, url string) driver {
	t.Helper()
	d := driver{point{newDiary()}, ocpp16.NewChargePoint("CP1", nil, nil)}
	d.SetCoreHandler(d.point)
	d.SetSmartChargingHandler(d.point)
	d.SetRemoteTriggerHandler(d.point)
	if err := d.Start(url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	boot, err := d.BootNotification("Model", "Vendor")
	if err != nil || boot.Status != core.RegistrationStatusAccepted {
		t.Fatalf("boot: %+v, %v", boot, err)
	}
	return d
}

// begin authorises, starts at a reading in Wh and meters it; it returns the box's id.
func (d driver) begin(t *testing.T, wh int) int {
	t.Helper()
	if _, err := d.StatusNotification(1, core.NoError, core.ChargePointStatusPreparing); err != nil {
		t.Fatal(err)
	}
	auth, err := d.Authorize("TAG1")
	if err != nil || auth.IdTagInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("authorize: %+v, %v", auth.IdTagInfo, err)
	}
	start, err := d.StartTransaction(1, "TAG1", wh, types.NewDateTime(time.Now()))
	if err != nil || start.IdTagInfo.Status != types.AuthorizationStatusAccepted {
		t.Fatalf("start: %+v, %v", start, err)
	}
	d.meter(t, start.TransactionId, wh, types.ReadingContextTransactionBegin)
	return start.TransactionId
}

func (d driver) meter(t *testing.T, tx, wh int, when types.ReadingContext) {
	t.Helper()
	values := []types.MeterValue{{Timestamp: types.NewDateTime(time.Now()), SampledValue: []types.SampledValue{{Value: fmt.Sprint(wh), Context: when}}}}
	if _, err := d.MeterValues(1, values, func(r *core.MeterValuesRequest) { r.TransactionId = &tx }); err != nil {
		t.Fatal(err)
	}
}

func (d driver) end(t *testing.T, tx, wh int) {
	t.Helper()
	if _, err := d.StopTransaction(wh, types.NewDateTime(time.Now()), tx, func(r *core.StopTransactionRequest) { r.Reason = core.ReasonRemote }); err != nil {
		t.Fatal(err)
	}
}

func TestIndependentPeersSurviveACloudCut(t *testing.T) {
	central, port := numberingCloud{cloud{newDiary()}, new(atomic.Int64)}, freePort(t)
	_, cut := serveCloud(t, central, port)
	url := boxBetween(t, port, noFaults{})
	central.await(t, "status 0 Available") // before it, no unknown card is let in
	charger := startDriver(t, url)
	first := charger.begin(t, 1000)
	// It comes after the cloud's answer to the start, so that the cut can't lose that.
	central.await(t, "meter values 1 of 777: 1000")

	cut()
	charger.meter(t, first, 1500, types.ReadingContextSampleClock)
	charger.end(t, first, 2500)
	second := charger.begin(t, 2500) // the box remembers that the cloud knows the card
	if second == first {
		t.Fatalf("two transactions have the id %d", first)
	}

	cs, _ := serveCloud(t, central, port)
	for _, line := range []string{"meter values 1 of 777: 1500", "stop 777 2500 Remote", "start 1 TAG1 2500", "meter values 1 of 778: 2500"} {
		central.await(t, line)
	}
	answered := make(chan error, 1)
	err := cs.RemoteStopTransaction("SITE1", func(_ *core.RemoteStopTransactionConfirmation, err error) { answered <- err }, cloudTx+1)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal("remote stop: ", err)
	}
	charger.await(t, fmt.Sprintf("remote stop %d", second))
	charger.end(t, second, 4000)
	central.await(t, "stop 778 4000 Remote")
	central.mu.Lock()
	defer central.mu.Unlock()
	heard := strings.Join(central.lines, "\n")
	if strings.Count(heard, "\nstart ") != 2 || strings.Count(heard, "\nstop ") != 2 {
		t.Errorf("two transactions, each to be told once; the cloud heard\n%s", heard)
	}
}
