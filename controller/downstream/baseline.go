package downstream

import (
	"context"
	"strconv"
	"strings"
	"time"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

// measurandsKey is what a charger samples during a transaction.
const measurandsKey = "MeterValuesSampledData"

// measurands are what the balancer and billing need, the most needed first.
func measurands() []string {
	return []string{"Current.Import", "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "SoC"}
}

// setting is one key of the baseline (ocpp-gateway 8.1).
type setting struct{ key, value string }

func (s *session) baseline() []setting {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	return []setting{
		{measurandsKey, strings.Join(measurands(), ",")},
		{"MeterValueSampleInterval", seconds(s.hub.cfg.MeterInterval)},
		{"StopTxnSampledData", s.charger.StopData},
		{"LocalPreAuthorize", "false"},
		{"LocalAuthorizeOffline", "true"},
		{"AuthorizationCacheEnabled", "true"},
		{"AuthorizeRemoteTxRequests", "false"},
		{"TransactionMessageAttempts", "10"},
		{"TransactionMessageRetryInterval", "30"},
		{"WebSocketPingInterval", "30"},
		{"HeartbeatInterval", seconds(s.hub.cfg.HeartbeatInterval)},
	}
}

// readKeys asks for the present values first: only what differs is written, because
// chargers keep keys in flash memory and connect often. The writes follow one by one,
// so that a setpoint need not wait for all of them.
func (s *session) readKeys(ctx context.Context) {
	var req ocpp16.GetConfigurationRequest
	for _, b := range s.baseline() {
		req.Key = append(req.Key, b.key)
	}
	// A charger that can't tell gets everything written.
	resp, err := ocpp16.GetConfiguration.Call(ctx, s.conn, req, s.within(s.hub.cfg.CallTimeout))
	if err != nil {
		s.hub.log.Info("charger does not tell its configuration", "station", s.id, "err", err)
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
	for _, b := range s.baseline() {
		switch value, known := present[b.key]; {
		case known && sameValue(value, b.value):
		case unknown[b.key]:
			s.refuse(b.key)
		case b.key == measurandsKey:
			steps = append(steps, s.writeMeasurands)
		default:
			steps = append(steps, func(ctx context.Context) {
				if !s.write(ctx, b.key, b.value) {
					s.refuse(b.key)
				}
			})
		}
	}
	s.plan(append(steps, s.finishBaseline)...)
}

// sameValue compares as chargers do: "TRUE" is true, blanks in lists don't matter.
func sameValue(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), b)
}

// plan puts steps before what is left.
func (s *session) plan(steps ...step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(steps, s.keys...)
}

func (s *session) refuse(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, key)
}

// write offers one value; false if it was not taken.
func (s *session) write(ctx context.Context, key, value string) bool {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, s.conn, ocpp16.ChangeConfigurationRequest{Key: key, Value: value}, s.within(s.hub.cfg.CallTimeout))
	return err == nil && (resp.Status == ocpp16.ConfigurationStatusAccepted || resp.Status == ocpp16.ConfigurationStatusRebootRequired)
}

// writeMeasurands offers the whole list; where it is rejected, each measurand is
// tried alone and the ones taken make the list (some chargers reject a list for one
// member).
func (s *session) writeMeasurands(ctx context.Context) {
	if s.write(ctx, measurandsKey, strings.Join(measurands(), ",")) {
		return
	}
	var taken []string
	steps := make([]step, 0, len(measurands())+1)
	for _, m := range measurands() {
		steps = append(steps, func(ctx context.Context) {
			if s.write(ctx, measurandsKey, m) {
				taken = append(taken, m)
			} else {
				s.refuse(measurandsKey + "=" + m)
			}
		})
	}
	s.plan(append(steps, func(ctx context.Context) {
		if len(taken) > 0 && !s.write(ctx, measurandsKey, strings.Join(taken, ",")) {
			// It takes one at a time: the most needed one then.
			s.write(ctx, measurandsKey, taken[0])
			s.refuse(measurandsKey)
		}
	})...)
}

// finishBaseline reports, and asks a charger that came back without Boot for its
// statuses, which may have changed meanwhile.
func (s *session) finishBaseline(ctx context.Context) {
	s.mu.Lock()
	refused, booted := s.refused, s.booted
	s.mu.Unlock()
	s.hub.reports.add(controller.BaselinePushed{Station: s.id, Refused: refused})
	if !booted {
		s.trigger(ctx, ocpp16.MessageTriggerStatusNotification)
	}
}
