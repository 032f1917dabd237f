package downstream

import (
	"context"
	"strconv"
	"strings"
	"time"

	"busbar/ocpp/ocpp16"
)

// measurandsKey is what a charger samples during a transaction.
const measurandsKey = "MeterValuesSampledData"

// setting is one key of the baseline (ocpp-gateway 8.1).
type setting struct{ key, value string }

func (d *v16) baseline() []setting {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	return []setting{
		{measurandsKey, strings.Join(measurands(), ",")},
		{"MeterValueSampleInterval", seconds(d.hub.cfg.MeterInterval)},
		{"StopTxnSampledData", d.charger.StopData},
		{"LocalPreAuthorize", "false"},
		{"LocalAuthorizeOffline", "true"},
		{"AuthorizationCacheEnabled", "true"},
		{"AuthorizeRemoteTxRequests", "false"},
		{"TransactionMessageAttempts", "10"},
		{"TransactionMessageRetryInterval", "30"},
		{"WebSocketPingInterval", "30"},
		{"HeartbeatInterval", seconds(d.hub.cfg.HeartbeatInterval)},
	}
}

// pushBaseline asks for the present values first: only what differs is written, because
// chargers keep keys in flash memory and connect often. The writes follow one by one,
// so that a setpoint need not wait for all of them.
func (d *v16) pushBaseline(ctx context.Context) {
	var req ocpp16.GetConfigurationRequest
	for _, b := range d.baseline() {
		req.Key = append(req.Key, b.key)
	}
	// A charger that can't tell gets everything written.
	resp, err := ocpp16.GetConfiguration.Call(ctx, d.conn, req, d.within(d.hub.cfg.CallTimeout))
	if err != nil {
		d.hub.log.Info("charger does not tell its configuration", "station", d.id, "err", err)
	}
	present, unknown := map[string]string{}, map[string]bool{}
	for _, kv := range resp.ConfigurationKey {
		if kv.Value != nil {
			present[kv.Key] = *kv.Value
		}
	}
	for _, key := range resp.UnknownKey {
		unknown[key] = true
	}
	var steps []step
	for _, b := range d.baseline() {
		switch value, known := present[b.key]; {
		case known && sameValue(value, b.value):
		case unknown[b.key]:
			d.refuse(b.key)
		case b.key == measurandsKey:
			steps = append(steps, d.writeMeasurands)
		default:
			steps = append(steps, func(ctx context.Context) {
				if !d.write(ctx, b.key, b.value) {
					d.refuse(b.key)
				}
			})
		}
	}
	d.plan(append(steps, d.finishBaseline)...)
}

// sameValue compares as chargers do: "TRUE" is true, blanks in lists don't matter.
func sameValue(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), b)
}

// write offers one value; false if it was not taken.
func (d *v16) write(ctx context.Context, key, value string) bool {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, d.conn, ocpp16.ChangeConfigurationRequest{Key: key, Value: value}, d.within(d.hub.cfg.CallTimeout))
	return err == nil && (resp.Status == ocpp16.ConfigurationStatusAccepted || resp.Status == ocpp16.ConfigurationStatusRebootRequired)
}

// writeMeasurands offers the whole list; where it is rejected, each measurand is
// tried alone and the ones taken make the list (some chargers reject a list for one
// member).
func (d *v16) writeMeasurands(ctx context.Context) {
	if d.write(ctx, measurandsKey, strings.Join(measurands(), ",")) {
		return
	}
	var taken []string
	steps := make([]step, 0, len(measurands())+1)
	for _, m := range measurands() {
		steps = append(steps, func(ctx context.Context) {
			if d.write(ctx, measurandsKey, m) {
				taken = append(taken, m)
			} else {
				d.refuse(measurandsKey + "=" + m)
			}
		})
	}
	d.plan(append(steps, func(ctx context.Context) {
		if len(taken) > 0 && !d.write(ctx, measurandsKey, strings.Join(taken, ",")) {
			// It takes one at a time: the most needed one then.
			d.write(ctx, measurandsKey, taken[0])
			d.refuse(measurandsKey)
		}
	})...)
}

func (d *v16) askBoot(ctx context.Context) { d.trigger(ctx, ocpp16.MessageTriggerBootNotification) }

func (d *v16) askStatus(ctx context.Context) { d.trigger(ctx, ocpp16.MessageTriggerStatusNotification) }

func (d *v16) trigger(ctx context.Context, message ocpp16.MessageTrigger) {
	resp, err := ocpp16.TriggerMessage.Call(ctx, d.conn, ocpp16.TriggerMessageRequest{RequestedMessage: message}, d.within(d.hub.cfg.CallTimeout))
	if err != nil || resp.Status != ocpp16.TriggerMessageStatusAccepted {
		d.hub.log.Info("charger does not send on request", "station", d.id, "message", message, "status", resp.Status, "err", err)
	}
}
