package main

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"busbar/controller"
	"busbar/controller/store"
	"busbar/ocpp/ocppsim"
)

// awaitCloud waits until the cloud has heard the end of so many transactions.
func awaitCloud(ctx context.Context, t *testing.T, cloud *ocppsim.Cloud, want int) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		stopped := 0
		for _, tx := range cloud.Ledger().Transactions {
			if tx.Stopped {
				stopped++
			}
		}
		if stopped >= want {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Errorf("the cloud heard the end of %d transactions in time, of %d", stopped, want)
			return
		}
	}
}

// checkStored compares the database with what the chargers were acknowledged, and says
// how many transactions it holds.
func checkStored(t *testing.T, dir string, bills []*bill) int {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	if wrong, err := st.IntegrityCheck(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("the database is damaged: %v %q", err, wrong)
	}
	stored := map[int]store.TxRecord{}
	for tx, err := range st.Transactions(ctx, store.TxFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[int(tx.Tx)] = tx
	}
	acked := map[int]bool{}
	for _, b := range bills {
		if !b.StartAcked {
			continue // indeterminate
		}
		if acked[b.ID] {
			t.Errorf("id %d was given twice", b.ID)
		}
		acked[b.ID] = true
		tx, found := stored[b.ID]
		if !found {
			t.Errorf("lost: %+v", b.Transaction)
			continue
		}
		checkBill(t, tx, b)
		checkValues(t, st, b)
	}
	for id, tx := range stored {
		if !acked[id] {
			t.Errorf("doubled or invented: %+v", tx.TxRow)
		}
	}
	return len(stored)
}

// checkBill compares one stored transaction with its charger's.
func checkBill(t *testing.T, tx store.TxRecord, b *bill) {
	t.Helper()
	same := string(tx.Station) == b.Station && tx.Connector == b.Connector && tx.Token.Value == b.IDTag &&
		tx.MeterStart == controller.WattHour(b.MeterStart) && tx.StartedAt.Equal(b.StartedAt)
	if b.StopAcked {
		same = same && tx.Ended && tx.MeterStop == controller.WattHour(b.MeterStop) && tx.StoppedAt.Equal(b.StoppedAt)
	}
	if !same || tx.Damaged || tx.Synthetic || tx.Parked || !tx.StartDelivered || !tx.StopDelivered {
		t.Errorf("stored %+v, its charger has %+v", tx, b.Transaction)
	}
}

// checkValues compares the meter values kept for billing, byte for byte.
func checkValues(t *testing.T, st *store.Store, b *bill) {
	t.Helper()
	at := 0
	for value, err := range st.BillingValues(t.Context(), controller.TxID(b.ID)) {
		if err != nil {
			t.Fatal(err)
		}
		if at < len(b.values) && !bytes.Equal(value, b.values[at]) {
			t.Errorf("meter value %d of transaction %d is %s, its charger has %s", at, b.ID, value, b.values[at])
		}
		at++
	}
	if at != len(b.values) {
		t.Errorf("%d meter values of transaction %d are stored, %d were acknowledged", at, b.ID, len(b.values))
	}
}

// checkCloud compares the cloud's ledger with the chargers'.
func checkCloud(t *testing.T, cloud *ocppsim.Cloud, bills []*bill) {
	t.Helper()
	ledger := cloud.Ledger()
	byKey := map[time.Time][]ocppsim.Transaction{}
	for _, tx := range ledger.Transactions {
		byKey[tx.StartedAt] = append(byKey[tx.StartedAt], tx)
	}
	chargers := make([]ocppsim.Transaction, len(bills))
	for i, b := range bills {
		chargers[i] = b.Transaction
		of := slices.IndexFunc(byKey[b.StartedAt], func(tx ocppsim.Transaction) bool { return tx.IDTag == b.IDTag })
		if of >= 0 && byKey[b.StartedAt][of].Samples != b.Samples {
			t.Errorf("the cloud has %d meter values of transaction %d, %d were acknowledged", byKey[b.StartedAt][of].Samples, b.ID, b.Samples)
		}
	}
	slot := func(station string, _ int) int {
		for i := range killChargers {
			if killName(i) == station {
				return i + 1
			}
		}
		return 0
	}
	for _, d := range ocppsim.Compare(chargers, ledger, slot) {
		t.Error(d)
	}
}
