package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"busbar/controller"
)

// running opens a store whose Committed arrive on a channel.
func running(b *testing.B, sync Synchronous) (*Store, chan controller.Seq) {
	b.Helper()
	committed := make(chan controller.Seq, 1024)
	s, err := Open(b.Context(), b.TempDir(), Options{Synchronous: sync, Queue: 1 << 20, Post: func(ev controller.Event) error {
		if c, ok := ev.(controller.Committed); ok {
			committed <- c.Seq
		}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { s.Run(b.Context()); close(ended) }()
	b.Cleanup(func() { <-ended; s.Close() })
	return s, committed
}

func BenchmarkCommit(b *testing.B) {
	for _, sync := range []Synchronous{SyncFull, SyncOff} {
		for _, units := range []int{1, 50} {
			b.Run(fmt.Sprintf("%s/units=%d", sync, units), func(b *testing.B) {
				s, committed := running(b, sync)
				seq := controller.Seq(0)
				for b.Loop() {
					for range units {
						seq++
						if err := s.Submit(seq, startOf(controller.TxID(seq), "")); err != nil {
							b.Fatal(err)
						}
					}
					for <-committed < seq {
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(seq), "µs/unit")
			})
		}
	}
}

// backlog is what 30 days without a cloud leave behind.
func backlog(b *testing.B, transactions, samples int, tokens int) *Store {
	b.Helper()
	s, committed := running(b, SyncOff)
	seq := controller.Seq(0)
	for tx := range controller.TxID(transactions) {
		token := fmt.Sprint(int(tx) % tokens)
		rows := startOf(tx+1, token)
		for range samples {
			rows = append(rows, message(tx+1, controller.OutboxMeter, token, `{"values":[{"timestamp":"2026-03-01T12:00:00Z","sampledValue":[{"value":"1"}]}]}`))
		}
		seq++
		if err := s.Submit(seq, append(rows, endOf(tx+1, token, 2000)...)); err != nil {
			b.Fatal(err)
		}
	}
	for <-committed < seq {
	}
	return s
}

func BenchmarkHeadsOfBacklog(b *testing.B) {
	for _, tokens := range []int{1, 200} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			s := backlog(b, 5760, 10, tokens)
			for b.Loop() {
				if _, err := s.Heads(b.Context(), 16); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCountsOfBacklog(b *testing.B) {
	s := backlog(b, 5760, 10, 200)
	for b.Loop() {
		if _, err := s.Counts(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDrain is one message of a backlog from head to delivered, without a cloud.
func BenchmarkDrain(b *testing.B) {
	for _, sync := range []Synchronous{SyncFull, SyncOff} {
		b.Run(string(sync), func(b *testing.B) {
			s, committed := running(b, sync)
			seq := controller.Seq(0)
			for b.Loop() {
				seq++
				if err := s.Submit(seq, startOf(controller.TxID(seq), "")); err != nil {
					b.Fatal(err)
				}
				for <-committed < seq {
				}
				heads, err := s.Heads(b.Context(), 1)
				if err != nil || len(heads) != 1 {
					b.Fatal(heads, err)
				}
				id := []int64{heads[0].ID}
				if err := s.Stamp(b.Context(), id, "m", json.RawMessage(`{"a":1}`)); err != nil {
					b.Fatal(err)
				}
				st := controller.Settlement{IDs: id, Tx: heads[0].Tx, Kind: controller.OutboxStart, UpTx: "1", Outcome: controller.OutcomeDelivered}
				if err := s.Settle(b.Context(), st); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTelemetry is one sample of the history.
func BenchmarkTelemetry(b *testing.B) {
	s, _ := running(b, SyncOff)
	batch := make([]controller.Telemetry, historyBatch)
	for i := range batch {
		connector := i % 200
		raw := bytes.Repeat([]byte("r"), 300)
		batch[i] = controller.Telemetry{Slot: controller.Slot(connector + 1), Tx: controller.TxID(1000000 + connector), Sample: controller.MeterSample{At: time.Now(), Raw: raw}}
	}
	for b.Loop() {
		s.history.flush(slices.Clone(batch))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*historyBatch), "µs/sample")
}
