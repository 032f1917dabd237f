package ocpp

import (
	"encoding/json"
	"testing"
)

var benchPayload = json.RawMessage(`{"connectorId":1,"transactionId":1000001,"meterValue":[{"timestamp":"2026-03-01T08:00:00Z","sampledValue":[` +
	`{"value":"12345","unit":"Wh"},{"value":"10.1","measurand":"Current.Import","phase":"L1"},{"value":"10.2","measurand":"Current.Import","phase":"L2"},` +
	`{"value":"10.3","measurand":"Current.Import","phase":"L3"}]}]}`)

func BenchmarkParseFrame(b *testing.B) {
	text := Frame{Type: TypeCall, ID: "0b0b1bdf-5f9c-4f5c-8f43-21b0b35c0a3f", Action: "MeterValues", Payload: benchPayload}.Append(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseFrame(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCall is one CALL there and its answer back, in memory.
func BenchmarkCall(b *testing.B) {
	client := benchPair(b)
	for b.Loop() {
		if _, err := client.Call(b.Context(), Call{Action: "MeterValues", Payload: benchPayload}); err != nil {
			b.Fatal(err)
		}
	}
}
