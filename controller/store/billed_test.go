package store

import (
	"encoding/json"
	"fmt"
	"testing"

	"busbar/controller"

	"github.com/google/go-cmp/cmp"
)

func TestBilledValuesOfOpenTransactionsComeBack(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Options{FirstTx: 5000})
	b.save(startOf(5000, "A")...)
	b.save(startOf(5001, "B")...)
	var want []json.RawMessage
	for i := range 40 { // two in each message
		values := controller.MeterBody{}
		for n := range 2 {
			v := fmt.Appendf(nil, `{ "n": %d}`, 2*i+n)
			values.Values, want = append(values.Values, v), append(want, v)
		}
		body, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		b.save(message(5000, controller.OutboxMeter, "A", string(body)), message(5001, controller.OutboxMeter, "B", string(body)))
	}
	b.save(endOf(5001, "B", 2000)...)
	b.stop()

	b = open(t, dir, Options{})
	got, err := b.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[controller.TxID][]json.RawMessage{5000: want[len(want)-controller.BilledKept:]}, got.Billed); d != "" {
		t.Error(d)
	}
}
