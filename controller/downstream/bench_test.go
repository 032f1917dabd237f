package downstream

import (
	"encoding/json"
	"testing"
	"time"

	"busbar/ocpp"
)

// BenchmarkMeterValues16 reads a message of five values, as most chargers send.
func BenchmarkMeterValues16(b *testing.B) {
	const rest = `","context":"Sample.Periodic","format":"Raw","location":"Outlet",`
	payload := json.RawMessage(`{"connectorId":1,"transactionId":1000001,"meterValue":[{"timestamp":"2026-03-01T08:00:00.000Z","sampledValue":[` +
		`{"value":"111111111` + rest + `"measurand":"Energy.Active.Import.Register","unit":"Wh"},` +
		`{"value":"7360.0` + rest + `"measurand":"Power.Active.Import","unit":"W"},` +
		`{"value":"10.7` + rest + `"measurand":"Current.Import","phase":"L1","unit":"A"},` +
		`{"value":"10.6` + rest + `"measurand":"Current.Import","phase":"L2","unit":"A"},` +
		`{"value":"10.7` + rest + `"measurand":"Current.Import","phase":"L3","unit":"A"}]}]}`)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		var req struct {
			ConnectorID   int           `json:"connectorId"`
			TransactionID *int          `json:"transactionId,omitempty"`
			MeterValue    meterValues16 `json:"meterValue"`
		}
		if _, err := ocpp.DecodeLenient(payload, &req); err != nil {
			b.Fatal(err)
		}
		if samples, _ := samples16(req.MeterValue, time.Now(), nil, nil); len(samples) != 1 || samples[0].Energy != 111111111 {
			b.Fatal(samples)
		}
	}
}
