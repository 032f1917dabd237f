package upstream

import (
	"encoding/json"
	"testing"

	"busbar/controller"
)

func item(t *testing.T, kind controller.OutboxKind, body any) controller.OutboxItem {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return controller.OutboxItem{ID: 1, OutboxRow: controller.OutboxRow{Tx: 7, Slot: 3, Kind: kind, Body: raw}, UpTx: "55"}
}

func TestMessagesOnTheWire(t *testing.T) {
	sample := `{"timestamp": "2026-03-01T08:01:00Z","sampledValue":[{"value":"1.10","signed":"a<b&c"}]}`
	for _, c := range []struct {
		name string
		item controller.OutboxItem
		want string
	}{
		{"start", item(t, controller.OutboxStart, controller.StartBody{Token: controller.IDToken{Value: "Tag1"}, MeterStart: 100, At: "2026-03-01T08:00:00.5Z"}),
			`{"connectorId":3,"idTag":"Tag1","meterStart":100,"timestamp":"2026-03-01T08:00:00.5Z"}`},
		{"meter values, byte for byte", item(t, controller.OutboxMeter, controller.MeterBody{Values: [][]byte{[]byte(sample), []byte(`{"x":1}`)}}),
			`{"connectorId":3,"transactionId":55,"meterValue":[` + sample + `,{"x":1}]}`},
		{"stop with data, byte for byte", item(t, controller.OutboxStop, controller.StopBody{MeterStop: 900, At: "2026-03-01T09:00:00Z", Reason: "Remote", Data: []byte(`[` + sample + `]`)}),
			`{"meterStop":900,"timestamp":"2026-03-01T09:00:00Z","transactionId":55,"reason":"Remote","transactionData":[` + sample + `]}`},
		{"a reason that 1.6 doesn't have", item(t, controller.OutboxStop, controller.StopBody{MeterStop: 900, At: "2026-03-01T09:00:00Z", Reason: "EnergyLimitReached"}),
			`{"meterStop":900,"timestamp":"2026-03-01T09:00:00Z","transactionId":55,"reason":"Other"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := build(c.item, nil)
			if err != nil || string(got) != c.want {
				t.Fatalf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestWhatOCPP16CannotCarryIsUnfit(t *testing.T) {
	long := item(t, controller.OutboxStart, controller.StartBody{Token: controller.IDToken{Value: "123456789012345678901"}, At: "2026-03-01T08:00:00Z"})
	noID := item(t, controller.OutboxStop, controller.StopBody{At: "2026-03-01T08:00:00Z"})
	noID.UpTx = ""
	for _, it := range []controller.OutboxItem{long, noID} {
		if _, _, err := build(it, nil); err == nil {
			t.Errorf("%+v was built", it)
		}
	}
}

func TestPackingIsBounded(t *testing.T) {
	one := func(size int) controller.OutboxItem {
		return item(t, controller.OutboxMeter, controller.MeterBody{Values: [][]byte{append([]byte(`{"v":"`), append(make9(size), `"}`...)...)}})
	}
	var small, large []controller.OutboxItem
	for range 100 {
		small, large = append(small, one(10)), append(large, one(5000))
	}
	if _, used, err := build(one(10), small); err != nil || used != packElements-1 {
		t.Errorf("%d small rows packed (%v), want %d", used, err, packElements-1)
	}
	if _, used, err := build(one(5000), large); err != nil || used != 2 {
		t.Errorf("%d large rows packed (%v), want 2", used, err)
	}
}

func make9(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = '9'
	}
	return b
}

func TestAnswersAreReadLeniently(t *testing.T) {
	for _, c := range []struct {
		kind     controller.OutboxKind
		answer   string
		upTx     controller.UpstreamTx
		status   controller.TokenStatus // "": none
		unusable bool
	}{
		{controller.OutboxStart, `{"transactionId":17,"idTagInfo":{"status":"Accepted"}}`, "17", controller.TokenAccepted, false},
		{controller.OutboxStart, `{"transactionId":0,"idTagInfo":{"status":"ConcurrentTx"}}`, "0", controller.TokenConcurrentTx, false},
		{controller.OutboxStart, `{"transactionId":"17","idTagInfo":{"status":"Invalid","expiryDate":"soon"}}`, "17", controller.TokenInvalid, false},
		{controller.OutboxStart, `{"transactionId":-1,"idTagInfo":{"status":"Nonsense"}}`, "-1", "", false},
		{controller.OutboxStart, `{"transactionId":null}`, "", "", true},
		{controller.OutboxStart, `{"transactionId":"x"}`, "", "", true},
		{controller.OutboxStart, `{}`, "", "", true},
		{controller.OutboxStart, `[]`, "", "", true},
		{controller.OutboxStop, `{"idTagInfo":{"status":"Expired"}}`, "", controller.TokenExpired, false},
		{controller.OutboxStop, `{"idTagInfo":7}`, "", "", false},
		{controller.OutboxStop, `null`, "", "", false},
		{controller.OutboxMeter, `{"surprise":true}`, "", "", false},
	} {
		ev := controller.Delivered{Tx: 1, Kind: c.kind}
		err := readAnswer(json.RawMessage(c.answer), &ev)
		status := controller.TokenStatus("")
		if ev.Info != nil {
			status = ev.Info.Status
		}
		if (err != nil) != c.unusable || ev.UpTx != c.upTx || status != c.status {
			t.Errorf("%s %s: %v, %+v, %q", c.kind, c.answer, err, ev, status)
		}
	}
}
