package downstream

import (
	"context"
	"strconv"
	"strings"

	"busbar/controller"
	"busbar/ocpp/ocpp16"
)

// measurands are what the box wants to see, most important first.
var measurands = [...]ocpp16.Measurand{ocpp16.MeasurandEnergyActiveImportRegister, ocpp16.MeasurandCurrentImport, ocpp16.MeasurandPowerActiveImport, ocpp16.MeasurandSoC}

// baseline is the configuration every charger is offered (ocpp-gateway 8.1). The box
// decides on tokens, a charger alone only while the box is dead.
func (s *session) baseline() [][2]string {
	return [][2]string{
		{"MeterValueSampleInterval", strconv.Itoa(int(s.hub.cfg.MeterInterval.Seconds()))},
		{"LocalPreAuthorize", "false"},
		{"LocalAuthorizeOffline", "true"},
		{"AuthorizationCacheEnabled", "true"},
		{"AuthorizeRemoteTxRequests", "false"},
		{"StopTxnSampledData", ""},
		{"TransactionMessageAttempts", "10"},
		{"TransactionMessageRetryInterval", "30"},
		{"WebSocketPingInterval", "30"},
		{"HeartbeatInterval", "300"},
	}
}

// pushBaseline offers the keys one by one; some chargers refuse a list of measurands
// as a whole if one is unknown to them, so the list is tried first and then grown.
func (s *session) pushBaseline(ctx context.Context) {
	var refused []string
	if !s.change(ctx, "MeterValuesSampledData", joinMeasurands(measurands[:])) {
		if got := s.probeMeasurands(ctx); got < len(measurands) {
			for _, m := range measurands[got:] {
				refused = append(refused, "MeterValuesSampledData:"+string(m))
			}
		}
	}
	for _, kv := range s.baseline() {
		if ctx.Err() != nil {
			return
		}
		if !s.change(ctx, kv[0], kv[1]) {
			refused = append(refused, kv[0])
		}
	}
	s.hub.tell(controller.BaselinePushed{Station: s.id, Refused: refused})
	if !s.booted.Load() { // it came back without Boot and may not tell its statuses by itself
		_, _ = ocpp16.TriggerMessage.Call(ctx, s.conn, ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTriggerStatusNotification})
	}
}

// probeMeasurands grows the list while the charger accepts it, and returns how many it took.
func (s *session) probeMeasurands(ctx context.Context) int {
	for n := range len(measurands) {
		if ctx.Err() != nil || !s.change(ctx, "MeterValuesSampledData", joinMeasurands(measurands[:n+1])) {
			return n
		}
	}
	return len(measurands)
}

func joinMeasurands(ms []ocpp16.Measurand) string {
	words := make([]string, len(ms))
	for i, m := range ms {
		words[i] = string(m)
	}
	return strings.Join(words, ",")
}

func (s *session) change(ctx context.Context, key, value string) bool {
	resp, err := ocpp16.ChangeConfiguration.Call(ctx, s.conn, ocpp16.ChangeConfigurationRequest{Key: key, Value: value})
	return err == nil && (resp.Status == ocpp16.ConfigurationStatusAccepted || resp.Status == ocpp16.ConfigurationStatusRebootRequired)
}

// carryOut sends one command and tells its outcome in the words of OCPP 1.6.
func (s *session) carryOut(ctx context.Context, e controller.Command) controller.CommandAnswered {
	status, err := s.call(ctx, e)
	out := controller.CommandAnswered{Op: e.Op, Status: status}
	if err != nil {
		out.Err = err.Error()
		return out
	}
	switch status {
	case "Accepted", "Scheduled", "Unlocked":
		out.Accepted = true
	}
	return out
}

func (s *session) call(ctx context.Context, e controller.Command) (string, error) {
	switch e.Kind {
	case controller.CommandStart:
		r, err := ocpp16.RemoteStartTransaction.Call(ctx, s.conn, ocpp16.RemoteStartTransactionRequest{ConnectorID: &e.Connector, IDTag: e.Token.Value})
		return string(r.Status), err
	case controller.CommandStop:
		r, err := ocpp16.RemoteStopTransaction.Call(ctx, s.conn, ocpp16.RemoteStopTransactionRequest{TransactionID: int(e.Tx)})
		return string(r.Status), err
	case controller.CommandUnlock:
		r, err := ocpp16.UnlockConnector.Call(ctx, s.conn, ocpp16.UnlockConnectorRequest{ConnectorID: e.Connector})
		return string(r.Status), err
	case controller.CommandAvailability:
		kind := ocpp16.AvailabilityTypeInoperative
		if e.Operative {
			kind = ocpp16.AvailabilityTypeOperative
		}
		r, err := ocpp16.ChangeAvailability.Call(ctx, s.conn, ocpp16.ChangeAvailabilityRequest{ConnectorID: e.Connector, Type: kind})
		return string(r.Status), err
	case controller.CommandReset:
		kind := ocpp16.ResetTypeSoft
		if e.Hard {
			kind = ocpp16.ResetTypeHard
		}
		r, err := ocpp16.Reset.Call(ctx, s.conn, ocpp16.ResetRequest{Type: kind})
		return string(r.Status), err
	case controller.CommandTrigger:
		r, err := ocpp16.TriggerMessage.Call(ctx, s.conn, ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTrigger(e.Message), ConnectorID: &e.Connector})
		return string(r.Status), err
	}
	panic("downstream: unknown command " + string(e.Kind))
}
