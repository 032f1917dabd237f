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
			present[strings.ToLower(kv.Key)] = *kv.Value
		}
	}
	for _, key := range resp.UnknownKey {
		unknown[strings.ToLower(key)] = true
	}
	var steps []step
	for _, b := range d.baseline() {
		key := strings.ToLower(b.key)
		switch value, known := present[key]; {
		case known && sameValue(value, b.value):
			if b.key == measurandsKey {
				d.metered(measurands())
			}
		case unknown[key]:
			d.refuse(b.key)
		case b.key == measurandsKey:
			steps = append(steps, func(ctx context.Context) {
				d.offerMeasurands(ctx, measurandsKey, func(ctx context.Context, list string) bool { return d.set(ctx, measurandsKey, list) })
			})
		default:
			steps = append(steps, func(ctx context.Context) {
				if !d.set(ctx, b.key, b.value) {
					d.refuse(b.key)
				}
			})
		}
	}
	steps = append(steps, d.readAbilities, d.finishBaseline)
	d.plan(steps...)
}

// sameValue compares as chargers do: "TRUE" is true, blanks in lists don't matter.
func sameValue(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), b)
}

// set offers one value; false if it was not taken.
func (d *v16) set(ctx context.Context, key, value string) bool {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, d.conn, ocpp16.ChangeConfigurationRequest{Key: key, Value: value}, d.within(d.hub.cfg.CallTimeout))
	return err == nil && (says(resp.Status, ocpp16.ConfigurationStatusAccepted) || says(resp.Status, ocpp16.ConfigurationStatusRebootRequired))
}

func (d *v16) askBoot(ctx context.Context) { d.trigger(ctx, ocpp16.MessageTriggerBootNotification) }

func (d *v16) askStatus(ctx context.Context) { d.trigger(ctx, ocpp16.MessageTriggerStatusNotification) }

func (d *v16) trigger(ctx context.Context, message ocpp16.MessageTrigger) {
	resp, err := ocpp16.TriggerMessage.Call(ctx, d.conn, ocpp16.TriggerMessageRequest{RequestedMessage: message}, d.within(d.hub.cfg.CallTimeout))
	if err != nil || resp.Status != ocpp16.TriggerMessageStatusAccepted {
		d.hub.log.Info("charger does not send on request", "station", d.id, "message", message, "status", resp.Status, "err", err)
	}
}
